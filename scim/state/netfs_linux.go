package state

import (
	"os"
	"syscall"
)

// Types of network file systems (statfs(2), linux/magic.h), on which SQLite's
// locks and its shared memory do not work.
var networkFileSystems = map[int64]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB 2",
	0x564c:     "NCP",
	0x5346414f: "AFS",
	0x6b414653: "AFS",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
}

// networkFileSystem names the network file system that a file is on, or is empty.
func networkFileSystem(f *os.File) string {
	var stat syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &stat); err != nil {
		return ""
	}
	return networkFileSystems[int64(uint32(stat.Type))]
}
