//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package audit

import "os"

// lock would keep other processes out; this system is trusted to run one.
func lock(*os.File) error { return nil }
