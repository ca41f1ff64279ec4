// Package richtext reads and writes rich text of issues as text, in the form that the
// caller has.
package richtext

import (
	"context"
	"errors"
	"strings"

	"scim-atlassian/atlassian/adf"
	"scim-atlassian/atlassian/adf/plain"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// The attributes that a description has. Two of them are the same field: the text, and
// the document as JSON. The third allows a write to lose what no text can say.
const (
	Text = "description"
	ADF  = "descriptionAdf"
	Loss = "descriptionLoss"
)

// isPlain reports whether the caller reads and writes the plain form of rich text.
func isPlain(ctx context.Context) bool { return resource.RequestOf(ctx).Policy.PlainText }

// sameText reports whether two texts say the same description.
func sameText(ctx context.Context, a, b string) bool {
	if isPlain(ctx) {
		return plain.Normalize(a) == plain.Normalize(b)
	}
	return adf.SameText(a, b)
}

// Describe returns the document that doc asks for, nil for none, and whether it is
// another than that of current. Blocks whose text did not change stay as they are.
func Describe(ctx context.Context, current, doc query.Object) (value any, changed bool, err error) {
	if loss := doc.Text(Loss); loss != "" && loss != "accept" {
		return nil, false, resource.InvalidValue(`%s is %q; it can only be "accept".`, Loss, resource.Clip(loss))
	}
	text, document := doc.Text(Text), doc.Text(ADF)
	newText := !sameText(ctx, text, current.Text(Text))
	if !adf.SameDocument([]byte(document), []byte(current.Text(ADF))) {
		if newText && text != "" {
			return nil, false, resource.InvalidValue("%s and %s are two forms of one field; change one of them.", Text, ADF)
		}
		if err := adf.Check([]byte(document)); err != nil {
			return nil, false, refusal(ADF, err)
		}
		return Document([]byte(document)), true, nil
	}
	if !newText {
		return nil, false, nil
	}
	var written []byte
	if isPlain(ctx) {
		written = plain.FromText(text)
		err = adf.Check(written)
	} else {
		written, err = adf.Update([]byte(current.Text(ADF)), text, doc.Text(Loss) != "")
	}
	if err != nil {
		return nil, false, refusal(Text, err)
	}
	return Document(written), true, nil
}

// Document is a document as the value of a field, nil for none.
func Document(doc []byte) any {
	if len(doc) == 0 {
		return nil
	}
	return rawJSON(doc)
}

// refusal says what is wrong with the text or the document of an attribute, and
// what to do about it.
func refusal(attr string, err error) error {
	var loss *adf.LossError
	switch {
	case errors.As(err, &loss):
		return resource.InvalidValue(`%s: the text leaves out %s, which no text can say and which would be lost. Keep the token in the text, anywhere, or send "%s": "accept".`,
			attr, strings.Join(loss.Nodes, ", "), Loss)
	case errors.Is(err, adf.ErrToken):
		return resource.InvalidValue("%s: a token stands for nothing that the issue has now: %s. A token can be moved and left out, not made; a backslash before ⟦ makes it text.",
			attr, strings.TrimPrefix(err.Error(), adf.ErrToken.Error()+": "))
	case errors.Is(err, adf.ErrTooLong):
		return resource.InvalidValue("%s shows too much text: %s.", attr, strings.TrimPrefix(err.Error(), adf.ErrTooLong.Error()+": "))
	}
	return resource.InvalidValue("%s: %s.", attr, strings.TrimPrefix(err.Error(), "adf: "))
}

// Update returns the document for the text of another attribute than the description, nil
// for none. Blocks of the present document whose text did not change stay as they are;
// what no text can say must stay in the text, unless doc allows the loss.
func Update(attr string, present []byte, text string, doc query.Object) (any, error) {
	written, err := adf.Update(present, text, doc.Text(Loss) != "")
	if err != nil {
		return nil, refusal(attr, err)
	}
	return Document(written), nil
}

// rawJSON is JSON that is sent as it is.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }
