package main

import "testing"

// TestMeasure measures for a moment. How long requests take depends on the machine; whether they fail, and what they cost,
// does not.
func TestMeasure(t *testing.T) {
	r, err := measure(t.Context(), options{clients: 8, seconds: 1}, 40)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	if r.errors() > 0 || r.calls-r.refused != int64(r.requests) {
		t.Errorf("%d errors, %d calls for %d requests", r.errors(), r.calls-r.refused, r.requests)
	}
}

func TestMissed(t *testing.T) {
	good := result{rate: 10, calls: 110, refused: 10, took: 10400e6, alone: 50e6, beside: 200e6}
	o := options{most: 1.05}
	if all := good.missed(o); all != nil {
		t.Errorf("good: %q", all)
	}
	for name, spoil := range map[string]func(r *result){
		"too slow": func(r *result) { r.took = 10600e6 },
		"failures": func(r *result) { r.answers = map[int]int{429: 1} },
		"held up":  func(r *result) { r.beside = 201e6 },
	} {
		r := good
		if spoil(&r); len(r.missed(o)) != 1 {
			t.Errorf("%s: %q", name, r.missed(o))
		}
	}
}
