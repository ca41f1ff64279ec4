package jira

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
	textAttr = "description"
	adfAttr  = "descriptionAdf"
	lossAttr = "descriptionLoss"
)

// isPlain reports whether the caller reads and writes the plain form of rich text.
func isPlain(ctx context.Context) bool { return resource.RequestOf(ctx).Policy.PlainText }

// textOf returns the text of a document in the form that the caller has.
func textOf(ctx context.Context, doc []byte) (string, error) {
	if isPlain(ctx) {
		return plain.ToText(doc)
	}
	return adf.Text(doc)
}

// sameText reports whether two texts say the same description.
func sameText(ctx context.Context, a, b string) bool {
	if isPlain(ctx) {
		return plain.Normalize(a) == plain.Normalize(b)
	}
	return adf.SameText(a, b)
}

// describe returns the document that doc asks for, nil for none, and whether it is
// another than that of current. Blocks whose text did not change stay as they are.
func describe(ctx context.Context, current, doc query.Object) (value any, changed bool, err error) {
	if loss := doc.Text(lossAttr); loss != "" && loss != "accept" {
		return nil, false, resource.InvalidValue(`%s is %q; it can only be "accept".`, lossAttr, resource.Clip(loss))
	}
	text, document := doc.Text(textAttr), doc.Text(adfAttr)
	newText := !sameText(ctx, text, current.Text(textAttr))
	if !adf.SameDocument([]byte(document), []byte(current.Text(adfAttr))) {
		if newText && text != "" {
			return nil, false, resource.InvalidValue("%s and %s are two forms of one field; change one of them.", textAttr, adfAttr)
		}
		if err := adf.Check([]byte(document)); err != nil {
			return nil, false, describeError(adfAttr, err)
		}
		return rawOrNil([]byte(document)), true, nil
	}
	if !newText {
		return nil, false, nil
	}
	var written []byte
	if isPlain(ctx) {
		written = plain.FromText(text)
		err = adf.Check(written)
	} else {
		written, err = adf.Update([]byte(current.Text(adfAttr)), text, doc.Text(lossAttr) != "")
	}
	if err != nil {
		return nil, false, describeError(textAttr, err)
	}
	return rawOrNil(written), true, nil
}

func rawOrNil(doc []byte) any {
	if len(doc) == 0 {
		return nil
	}
	return rawJSON(doc)
}

// describeError says what is wrong with the text or the document of an attribute, and
// what to do about it.
func describeError(attr string, err error) error {
	var loss *adf.LossError
	switch {
	case errors.As(err, &loss):
		return resource.InvalidValue(`%s: the text leaves out %s, which no text can say and which would be lost. Keep the token in the text, anywhere, or send "%s": "accept".`,
			attr, strings.Join(loss.Nodes, ", "), lossAttr)
	case errors.Is(err, adf.ErrToken):
		return resource.InvalidValue("%s: a token stands for nothing that the issue has now: %s. A token can be moved and left out, not made; a backslash before ⟦ makes it text.",
			attr, strings.TrimPrefix(err.Error(), adf.ErrToken.Error()+": "))
	case errors.Is(err, adf.ErrTooLong):
		return resource.InvalidValue("%s shows too much text: %s.", attr, strings.TrimPrefix(err.Error(), adf.ErrTooLong.Error()+": "))
	}
	return resource.InvalidValue("%s: %s.", attr, strings.TrimPrefix(err.Error(), "adf: "))
}
