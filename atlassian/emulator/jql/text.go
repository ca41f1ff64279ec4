package jql

import (
	"slices"
	"strings"
	"unicode"
)

// Words cuts a text into the words of the text index: runs of letters, digits and
// underscores in lower case, stemmed, English stop words dropped. The result is never nil.
func Words(text string) []string {
	words := []string{}
	for w := range strings.FieldsFuncSeq(text, separates) {
		w = strings.ToLower(w)
		if !stopWords[w] {
			words = append(words, stem(w))
		}
	}
	return words
}

func separates(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

// stem folds the commonest English endings, so that "wins" and "winning" find "win". It
// is crude: what matters is that ~ matches more than the letters say.
func stem(w string) string {
	if len(w) < 4 {
		return w
	}
	for _, ending := range []struct{ suffix, by string }{
		{"ies", "y"}, {"sses", "ss"}, {"ing", ""}, {"ed", ""}, {"s", ""},
	} {
		root, found := strings.CutSuffix(w, ending.suffix)
		if !found || len(root) < 3 || ending.suffix == "s" && strings.HasSuffix(root, "s") {
			continue
		}
		if n := len(root); ending.by == "" && ending.suffix != "s" && root[n-1] == root[n-2] {
			root = root[:n-1]
		}
		return strings.TrimSuffix(root, "e") + ending.by
	}
	return strings.TrimSuffix(w, "e")
}

// A term is one part of a text query: words that follow each other, the last one perhaps
// only begun.
type term struct {
	words  []string
	prefix bool
}

// parseText reads the operand of ~: words, all of which must occur in any order, phrases
// in quotation marks, and a trailing * or ?. Signs of the Lucene syntax are ignored.
func parseText(text string) []term {
	var terms []term
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			if words := Words(part); len(words) > 0 {
				terms = append(terms, term{words: words})
			}
			continue
		}
		for w := range strings.FieldsSeq(part) {
			terms = append(terms, parseWord(w)...)
		}
	}
	return terms
}

func parseWord(w string) []term {
	if w == "AND" || w == "OR" || w == "NOT" {
		return nil
	}
	if stump := strings.TrimRight(w, "*?"); stump != w {
		stump = strings.ToLower(strings.TrimFunc(stump, separates))
		if stump == "" || strings.ContainsFunc(stump, separates) {
			return wordTerms(stump)
		}
		return []term{{words: []string{stump}, prefix: true}}
	}
	return wordTerms(w)
}

func wordTerms(text string) []term {
	var terms []term
	for _, w := range Words(text) {
		terms = append(terms, term{words: []string{w}})
	}
	return terms
}

// in tells whether words hold the term.
func (t term) in(words []string) bool {
	if t.prefix {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, t.words[0]) })
	}
	for i := 0; i+len(t.words) <= len(words); i++ {
		if slices.Equal(words[i:i+len(t.words)], t.words) {
			return true
		}
	}
	return false
}

// text compiles ~ and !~. A query without a single word finds nothing either way.
func (c *compiler[I]) text(f *Field[I], op Operator, o Operand) func(I) bool {
	v, ok := o.(Value)
	if !ok {
		c.found.errorf("Operator '%s' does not support the value '%s' for field '%s'.", op, o, f.Name)
		return never
	}
	terms := parseText(v.Text)
	if len(terms) == 0 {
		return never
	}
	return func(i I) bool {
		words := f.Words(i)
		if words == nil {
			return false
		}
		missing := slices.ContainsFunc(terms, func(t term) bool { return !t.in(words) })
		return missing == (op == NotLike)
	}
}
