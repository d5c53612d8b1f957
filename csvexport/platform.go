package csvexport

import (
	"fmt"
	"strings"

	"github.com/muster-go/muster/profile"
)

// Platform is whose normal forms the values of a single column have, before they
// are hashed. Normal forms there are of the id types email, phone, first_name and
// last_name; values of other types stay as they are.
type Platform uint8

// The platforms, with what each asks for beside the form of Normalized.
const (
	// AsStored leaves values as they are.
	AsStored Platform = iota
	// Normalized is the form that most have in common: emails and names in lower case
	// without white space around them; of a phone the digits, country code first.
	Normalized
	// GoogleCustomerMatch has a + before the digits of a phone, and of addresses at
	// gmail.com and googlemail.com neither dots nor what follows a + in the name.
	// https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
	GoogleCustomerMatch
	// MetaCustomAudience has the digits of a phone alone, and names without
	// punctuation and spaces.
	// https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
	MetaCustomAudience
	// TikTokCustomAudience has a + before the digits of a phone.
	// https://ads.tiktok.com/help/article/custom-audience-file-upload
	TikTokCustomAudience
	// LinkedInMatchedAudience is of emails alone, in the form of Normalized.
	// https://learn.microsoft.com/linkedin/marketing/matched-audiences
	LinkedInMatchedAudience
)

var platformNames = [...]string{
	"as stored", "normalized", "Google Customer Match", "Meta Custom Audience", "TikTok Custom Audience", "LinkedIn Matched Audience",
}

// String returns the platform's name for people.
func (p Platform) String() string {
	if int(p) < len(platformNames) {
		return platformNames[p]
	}
	return fmt.Sprintf("platform %d", uint8(p))
}

// normaliser returns that of an external id type. The calling code is that of
// phones that have none.
func (p Platform) normaliser(idType, callingCode string) normaliser {
	if p == AsStored {
		return appendAsIs
	}
	switch idType {
	case "email":
		if p == GoogleCustomerMatch {
			return appendGoogleEmail
		}
		return appendEmail
	case "phone":
		plus := p == GoogleCustomerMatch || p == TikTokCustomAudience
		return func(b []byte, value string) ([]byte, bool) { return appendPhone(b, value, callingCode, plus) }
	case "first_name", "last_name":
		if p == MetaCustomAudience {
			return appendLetters
		}
		return appendName
	}
	return appendAsIs
}

func (p Platform) validate(idType string) error {
	switch {
	case int(p) >= len(platformNames):
		return fmt.Errorf("%w: %s", profile.ErrInvalid, p)
	case p == LinkedInMatchedAudience && idType != "email":
		return fmt.Errorf("%w: %s takes emails, not %s", profile.ErrInvalid, p, idType)
	}
	return nil
}

func validateCallingCode(code string) error {
	ok := len(code) <= 3 && !strings.HasPrefix(code, "0")
	for i := range len(code) {
		ok = ok && code[i] >= '0' && code[i] <= '9'
	}
	if !ok {
		return fmt.Errorf("%w: calling code %q, want one to three digits such as 49", profile.ErrInvalid, code)
	}
	return nil
}
