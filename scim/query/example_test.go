package query_test

import (
	"fmt"

	"scim-atlassian/scim/query"
)

// people is the schema of the examples: a name that case does not matter to, whether the person is active, and groups.
var people = query.NewSchema("Person", "urn:example:Person", []*query.Attribute{
	{Name: "userName"},
	{Name: "active", Kind: query.Boolean},
	{Name: "groups", Kind: query.Complex, MultiValued: true, Sub: []*query.Attribute{{Name: "value", CaseExact: true}}},
})

// A filter is parsed against a schema and holds for an object or not. A filter that the schema does not allow is an
// error that names the place.
func ExampleParse() {
	filter, err := query.Parse(people, `userName sw "a" and active eq true`, query.Limits{})
	if err != nil {
		panic(err)
	}
	anna := query.Object{{Name: "userName", Value: "Anna@demo.example"}, {Name: "active", Value: true}}
	adam := query.Object{{Name: "userName", Value: "adam@demo.example"}, {Name: "active", Value: false}}
	fmt.Println(query.Match(filter, anna), query.Match(filter, adam))

	_, err = query.Parse(people, `active gt true`, query.Limits{})
	fmt.Println(err)
	// Output:
	// true false
	// active is of type boolean, which gt cannot order at position 7: use eq or ne
}

// Choose finds the cheapest way to what a filter asks for, given a table of what upstream finds by itself. Whoever
// runs the plan matches the whole filter again.
func ExampleChoose() {
	table := query.Table{
		{Path: "userName", Name: "userName", Exact: true},
		{Path: "groups.value", Name: "groups.value", Exact: true, Cost: func(string) int { return 9 }},
	}
	for _, text := range []string{
		`userName eq "anna"`,
		`userName eq "anna" and active eq true`,
		`userName eq "anna" or userName eq "adam"`,
		`groups[value eq "g1"]`,
		`not (userName eq "anna")`,
	} {
		filter, err := query.Parse(people, text, query.Limits{})
		if err != nil {
			panic(err)
		}
		fmt.Println(query.Choose(filter, table, query.Stats{Scan: 4}))
	}
	// Output:
	// lookup userName="anna" exact cost=1
	// lookup userName="anna" residual=(active eq true) cost=1
	// union(userName="anna", userName="adam") exact cost=2
	// scan residual=(groups.value eq "g1") cost=4
	// scan residual=(userName ne "anna") cost=4
}
