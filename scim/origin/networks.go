package origin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// Networks are networks of IP addresses.
type Networks []netip.Prefix

// ParseNetworks reads networks such as 10.0.0.0/8 and addresses such as ::1.
func ParseNetworks(texts []string) (Networks, error) {
	var all Networks
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if address, e := netip.ParseAddr(text); e == nil {
			address = address.Unmap()
			prefix, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network: use a list such as 10.0.0.0/8,127.0.0.1", text)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

// Contain reports whether an address is in one of the networks. The zero Addr is in none.
func (n Networks) Contain(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, network := range n {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// UnmarshalJSON reads an array of texts as ParseNetworks does. An empty array is refused: it would let nobody in.
func (n *Networks) UnmarshalJSON(b []byte) (err error) {
	if string(b) == "null" {
		return nil
	}
	var texts []string
	if err := json.Unmarshal(b, &texts); err != nil || len(texts) == 0 {
		return errors.New(`use a list of networks such as ["10.0.0.0/8"]`)
	}
	*n, err = ParseNetworks(texts)
	return err
}
