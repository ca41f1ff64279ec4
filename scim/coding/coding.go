// Package coding sends answers compressed to clients that accept that, RFC 9110 sections
// 8.4.1 and 12.5.3.
package coding

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/zstd"
)

const (
	// least is the length in bytes from which an answer is worth it: a shorter one takes
	// no more packets as it is.
	least = 4096
	// gzipLevel is the fastest level that leaves less than 15 % of a long list of users.
	gzipLevel = 2
)

// Handler returns a handler that answers as h does, long JSON in the coding among zstd
// and gzip that the client prefers, zstd if either will do. Entity tags stay as they are:
// those of SCIM are weak, and a weak tag is the same whatever the coding (RFC 9110 section
// 8.8.3). All answers have Vary.
func Handler(h http.Handler) (http.Handler, error) {
	compressing, err := gzhttp.NewWrapper(gzhttp.MinSize(least), gzhttp.CompressionLevel(gzipLevel), gzhttp.ZstdCompressionLevel(int(zstd.SpeedFastest)),
		gzhttp.ContentTypeFilter(func(media string) bool { return strings.Contains(media, "json") }))
	if err != nil {
		return nil, err
	}
	return compressing(h), nil
}
