package document

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/scim/resource"
)

// maxDiscard is how much of a body that is too large is read nevertheless.
const maxDiscard = 32 << 20

// acceptedCodings are the content codings that a body may have, RFC 9110 section
// 8.4.1, as the header Accept-Encoding lists them.
const acceptedCodings = "gzip, identity"

// ReadBody reads a JSON body within the size limit into maps, slices and
// scalars. The limit holds for the bytes that are sent and for those that a
// compressed body stands for. A byte order mark before the document is passed
// over. Repeated member names, bytes after the value and invalid UTF-8 are syntax
// errors: what one reader takes for one document, another must not take for a
// different one. The detail of such an error says where the body is wrong and
// shows nothing of the body but the name of a repeated member.
func ReadBody(r *http.Request, limit int64) (any, error) {
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	compressed, err := isGzip(r.Header.Values("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	raw, err := readLimited(r.Body, limit)
	if err != nil {
		return nil, err
	}
	if compressed {
		if raw, err = inflate(bytes.NewReader(raw), limit); err != nil {
			return nil, err
		}
	}
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	var body any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidSyntax, Detail: syntaxDetail(raw, err), Err: err}
	}
	return body, nil
}

// readLimited reads a body as it is sent.
func readLimited(body io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, limit+1))
	var refused *resource.Error
	switch {
	case errors.As(err, &refused):
		return nil, err
	case err != nil:
		return nil, &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidSyntax, Detail: "The body could not be read to its end.", Err: err}
	case int64(len(raw)) > limit:
		// A client that is still sending when the connection closes never sees
		// the answer, so a good part of the rest is taken and thrown away.
		_, _ = io.CopyN(io.Discard, body, maxDiscard)
		return nil, tooLarge(limit)
	}
	return raw, nil
}

func tooLarge(limit int64) error {
	return resource.Refuse(http.StatusRequestEntityTooLarge, "", "The body is larger than %d bytes.", limit)
}

// inflate undoes gzip. It stops one byte after the limit, so that a small body
// which stands for an endless one costs no more than a large body.
func inflate(compressed io.Reader, limit int64) ([]byte, error) {
	var plain []byte
	z, err := gzip.NewReader(compressed)
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(z, limit+1))
	}
	switch {
	case err != nil:
		return nil, &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidSyntax, Err: err,
			Detail: "The body is not gzip, as Content-Encoding says, or is damaged; send it so, or leave Content-Encoding out."}
	case int64(len(plain)) > limit:
		return nil, tooLarge(limit)
	}
	return plain, nil
}

// isGzip reads the values of Content-Encoding. It reports whether the body is
// compressed with gzip, once, and refuses every other coding.
func isGzip(headers []string) (compressed bool, err error) {
	for coding := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		switch coding = strings.ToLower(strings.TrimSpace(coding)); coding {
		case "", "identity":
			continue
		case "gzip", "x-gzip":
			if !compressed {
				compressed = true
				continue
			}
		}
		e := resource.Refuse(http.StatusUnsupportedMediaType, "", "The body has the content coding %q; send it plain or with gzip.", resource.Clip(strings.Join(headers, ", ")))
		e.Codings = acceptedCodings
		return false, e
	}
	return compressed, nil
}

// syntaxDetail says to the client why its body is not one JSON document.
func syntaxDetail(raw []byte, err error) string {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	var offset int64
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return "The body is empty; send one JSON document."
	case errors.As(err, &syntactic):
		offset = syntactic.ByteOffset
	case errors.As(err, &semantic):
		offset = semantic.ByteOffset
	}
	at := position(raw, offset)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		name := resource.Clip(syntactic.JSONPointer.LastToken())
		if within := syntactic.JSONPointer.Parent(); within != "" {
			return fmt.Sprintf("The member %q is there more than once in %s, %s.", name, resource.Clip(string(within)), at)
		}
		return fmt.Sprintf("The member %q is there more than once, %s.", name, at)
	case !utf8.Valid(raw):
		return fmt.Sprintf("The body is not UTF-8, %s.", at)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("The body ends within the JSON document, %s.", at)
	}
	return fmt.Sprintf("The body is not one JSON document; it is wrong %s.", at)
}

// position names a place in a text as editors do.
func position(text []byte, offset int64) string {
	before := text[:min(max(0, offset), int64(len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("at line %d, column %d", line, column)
}

// IsJSON reports whether a media type, without parameters, is one of JSON.
func IsJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

// checkContentType accepts every way clients name JSON, and its absence.
func checkContentType(header string) error {
	if header == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err == nil && IsJSON(media) {
		return nil
	}
	return resource.Refuse(http.StatusUnsupportedMediaType, "", "The body has the type %q; send application/scim+json.", resource.Clip(header))
}
