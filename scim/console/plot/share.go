package plot

import (
	"fmt"
	"html/template"
)

// Part shows how much of something is one's own.
func Part(own, of float64, words string) template.HTML { return bar(own, of, "bar", words) }

// Share shows how much of something is used, and warns if that is much.
func Share(used, of float64, words string) template.HTML {
	class := "bar"
	switch {
	case of > 0 && used >= of:
		class = "fail"
	case used > 0.8*of:
		class = "much"
	}
	return bar(used, of, class, words)
}

func bar(used, of float64, class, words string) template.HTML {
	part := 0.0
	if of > 0 {
		part = min(1, max(0, used/of))
	}
	return template.HTML(fmt.Sprintf(`<svg class="share" viewBox="0 0 100 8" width="100" height="8" role="img" aria-label="%s"><rect class="rest" width="100" height="8"/><rect class="%s" width="%.1f" height="8"/></svg>`,
		template.HTMLEscapeString(words), class, 100*part))
}
