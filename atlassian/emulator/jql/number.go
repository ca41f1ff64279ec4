package jql

import (
	"slices"
	"strconv"
)

// numbers compiles an operator on a field of numbers.
func (c *compiler[I]) numbers(f *Field[I], op Operator, o Operand) func(I) bool {
	literals, empty, ok := c.literals(f, o)
	var wanted []float64
	for _, v := range literals {
		n, err := strconv.ParseFloat(v.Text, 64)
		if err != nil && ok {
			c.found.errorf("Value '%s' is not a number for the field '%s'.", v.Text, f.Name)
			ok = false
		}
		wanted = append(wanted, n)
	}
	if !ok {
		return never
	}
	return func(i I) bool {
		n, has := f.Number(i)
		switch op {
		case Equal, In:
			return has && slices.Contains(wanted, n) || empty && !has
		case NotEqual, NotIn:
			return has && !slices.Contains(wanted, n)
		}
		return has && comparesNumbers(op, n, wanted[0])
	}
}

func comparesNumbers(op Operator, a, b float64) bool {
	switch op {
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	}
	return a >= b
}
