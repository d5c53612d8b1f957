package oracle

import (
	"crypto/sha256"
	"fmt"
	"math/big"

	"github.com/muster-go/muster/audience"
)

// sampled answers whether a profile is in a share, as audience.Sample says.
func (v view) sampled(s *audience.Sample) bool {
	digits := fmt.Sprintf("%x", sha256.Sum256([]byte(s.Salt+":"+v.ref.ID)))[:8]
	n, _ := new(big.Int).SetString(digits, 16) // they are digits
	share := new(big.Rat).SetFrac(new(big.Int).Mul(n, big.NewInt(100)), big.NewInt(1<<32))
	return share.Cmp(new(big.Rat).SetFloat64(s.Percent)) < 0
}
