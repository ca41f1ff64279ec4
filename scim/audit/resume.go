package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// ends reads the first and the last line of the file, takes away what is left of a line
// that was never finished, and returns the name and the end of the chain.
func (o *open) ends() (chain string, last end, err error) {
	first, err := readLine(bufio.NewReader(io.NewSectionReader(o, 0, o.size)))
	var begin line
	if err == nil {
		begin, _, err = parseLine(first)
	}
	if err != nil || begin.Msg != msgBegin || begin.Chain == "" {
		return "", end{}, errors.New("it does not begin as an audit does: name another file, or move it away")
	}
	text, err := o.lastLine()
	if err != nil {
		return "", end{}, err
	}
	l, _, err := parseLine(text)
	if err != nil {
		return "", end{}, fmt.Errorf("last line: %w; move the file away", err)
	}
	return begin.Chain, end{l.Seq, l.Hash}, nil
}

// lastLine returns the last whole line of the file, after what follows it was cut off.
func (o *open) lastLine() ([]byte, error) {
	tail := []byte{}
	for at := o.size; ; {
		size := min(at, 64<<10)
		at -= size
		part := make([]byte, size)
		if _, err := o.ReadAt(part, at); err != nil {
			return nil, err
		}
		tail = append(part, tail...)
		whole := tail[:bytes.LastIndexByte(tail, '\n')+1]
		if len(whole) == 0 && at > 0 {
			continue
		}
		begin := bytes.LastIndexByte(whole[:max(len(whole)-1, 0)], '\n')
		if begin < 0 && at > 0 {
			continue
		}
		if cut := len(tail) - len(whole); cut > 0 {
			o.size -= int64(cut)
			if err := o.Truncate(o.size); err != nil {
				return nil, err
			}
		}
		return bytes.TrimSuffix(whole[begin+1:], []byte("\n")), nil
	}
}
