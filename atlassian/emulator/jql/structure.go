package jql

import "strings"

// Structure describes a query as POST /jql/parse does.
func (q *Query) Structure() map[string]any {
	shown := map[string]any{}
	if q.Where != nil {
		shown["where"] = structure(q.Where)
	}
	if len(q.Order) > 0 {
		var fields []any
		for _, o := range q.Order {
			direction := "asc"
			if o.Descending {
				direction = "desc"
			}
			fields = append(fields, map[string]any{"field": o.Field.structure(), "direction": direction})
		}
		shown["orderBy"] = map[string]any{"fields": fields}
	}
	return shown
}

func structure(c Clause) any {
	switch c := c.(type) {
	case And:
		return compound("and", c)
	case Or:
		return compound("or", c)
	case Not:
		return compound("not", []Clause{c.Clause})
	}
	t := c.(*Terminal)
	shown := map[string]any{"field": t.Field.structure(), "operator": t.Operator.String()}
	if t.Operand != nil {
		shown["operand"] = operandStructure(t.Operand)
	}
	if t.Operator >= Was {
		predicates := []any{}
		for _, p := range t.Predicates {
			predicates = append(predicates, map[string]any{"operator": strings.ToLower(p.Word), "operand": operandStructure(p.Operand)})
		}
		shown["predicates"] = predicates
	}
	return shown
}

func compound(operator string, clauses []Clause) any {
	list := make([]any, len(clauses))
	for i, c := range clauses {
		list[i] = structure(c)
	}
	return map[string]any{"operator": operator, "clauses": list}
}

func (r Reference) structure() map[string]any {
	shown := map[string]any{"name": r.Name}
	if len(r.Properties) > 0 {
		property := map[string]any{"entity": r.Name, "key": r.Properties[0]}
		if len(r.Properties) > 1 {
			property["path"] = strings.TrimPrefix(strings.Join(r.Properties[1:], ""), ".")
		}
		shown["property"] = []any{property}
	}
	return shown
}

func operandStructure(o Operand) any {
	switch o := o.(type) {
	case Value:
		return map[string]any{"value": o.Text}
	case Call:
		return map[string]any{"function": o.Name, "arguments": append([]string{}, o.Arguments...)}
	case List:
		values := make([]any, len(o))
		for i, e := range o {
			values[i] = operandStructure(e)
		}
		return map[string]any{"values": values}
	}
	return map[string]any{"keyword": "empty"}
}
