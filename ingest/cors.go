package ingest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/muster-go/muster/profile"
)

// anyOrigin is the origin in Options.Origins that stands for all.
const anyOrigin = "*"

// checkOrigin returns an error for what is no origin of a web page.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if origin == anyOrigin || err == nil && u.Scheme != "" && u.Host != "" && origin == u.Scheme+"://"+u.Host {
		return nil
	}
	return fmt.Errorf("%w: %q is not an origin, say https://shop.example", profile.ErrInvalid, origin)
}

// allow reports whether what sent the request may, by its origin: a program, which has
// none, a page of this server, or one that is allowed. To the last it sets the headers
// by which browsers let the page send, and read the answer.
//
// The answer may be read with credentials, which beacons are sent with: nothing here goes
// by cookies, so they give no page any right.
func (h *Handler) allow(header http.Header, r *http.Request) bool {
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !h.origins[anyOrigin] && !h.origins[origin] {
		_, host, _ := strings.Cut(origin, "://")
		return host == r.Host
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Expose-Headers", "Retry-After")
	if !isPreflight(r) {
		return true
	}
	for asked, allowed := range map[string]string{
		"Access-Control-Request-Method":          "Access-Control-Allow-Methods",
		"Access-Control-Request-Headers":         "Access-Control-Allow-Headers",
		"Access-Control-Request-Private-Network": "Access-Control-Allow-Private-Network",
	} {
		header.Add("Vary", asked)
		if value := r.Header.Get(asked); value != "" {
			header.Set(allowed, value)
		}
	}
	header.Set("Access-Control-Max-Age", "7200") // seconds: the most that Chromium keeps
	return true
}

// isPreflight reports whether a browser asks if a page may send.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}
