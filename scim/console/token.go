package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// tokenLife is how long a form may stay open before it is sent.
const tokenLife = 30 * time.Minute

// token proves that a form was made here for a caller, for a page, and until when. It is no secret of the caller's, and
// worthless to others.
func (c *Console) token(caller, page string) string {
	until := c.cfg.Now().Add(tokenLife).Unix()
	return fmt.Sprintf("%d.%s", until, c.sign(caller, page, until))
}

func (c *Console) sign(caller, page string, until int64) string {
	h := hmac.New(sha256.New, c.key[:])
	fmt.Fprintf(h, "%d\x00%s\x00%s", until, page, caller)
	return hex.EncodeToString(h.Sum(nil))
}

// formBytes bounds the body of a form.
const formBytes = 64 << 10

// meant makes sure that a POST is of a form that this console has shown to this caller: the browser says that the page
// that sent it was ours, and the form carries its token. A program that wants to release a hold uses SCIM.
func (c *Console) meant(w http.ResponseWriter, v *visit) error {
	if err := c.origin.Check(v.Request); err != nil {
		return refuse(http.StatusForbidden, "The form was sent from another site; nothing was done.")
	}
	if origin := v.Header.Get("Origin"); !sameHost(origin, v.Host) {
		return refuse(http.StatusForbidden, "The form has no Origin of this site; nothing was done. Programs release holds with POST %s/Holds/{id}/release.", c.cfg.BasePath)
	}
	v.Body = http.MaxBytesReader(w, v.Body, formBytes)
	if err := v.ParseForm(); err != nil {
		return refuse(http.StatusBadRequest, "The form cannot be read; nothing was done.")
	}
	page := strings.TrimPrefix(v.URL.Path, Path+"/")
	text, mac, _ := strings.Cut(v.PostForm.Get("token"), ".")
	until, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !hmac.Equal([]byte(mac), []byte(c.sign(v.caller.Name, page, until))) {
		return refuse(http.StatusForbidden, "The form is not from this console, or the server was restarted since; nothing was done. Load the page again.")
	}
	if c.cfg.Now().Unix() > until {
		return refuse(http.StatusForbidden, "The form is older than %v; nothing was done. Load the page again.", tokenLife)
	}
	return nil
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
