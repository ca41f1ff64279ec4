package emulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Names makes up the names and mail addresses of people.
type Names struct {
	rng   *rand.Rand
	taken map[string]int // people who share the local part of an address
	last  [2]string      // the name of the latest person
}

func newNames(rng *rand.Rand) *Names { return &Names{rng: rng, taken: map[string]int{}} }

// person returns the name of the ith person. Now and then two people in a row
// have the same.
func (n *Names) person(i int) (given, family string) {
	if i%25 != 24 {
		n.last = [2]string{pick(n.rng, givenNames), pick(n.rng, familyNames)}
	}
	return n.last[0], n.last[1]
}

var plainLetters = strings.NewReplacer(
	"á", "a", "ä", "ae", "å", "a", "ç", "c", "é", "e", "è", "e", "ë", "e", "ễ", "e", "í", "i", "ı", "i",
	"ł", "l", "ñ", "n", "ó", "o", "ö", "oe", "ø", "o", "ã", "a", "ř", "r", "ß", "ss", "š", "s", "ü", "ue", "ž", "z",
	" ", "",
)

// ascii spells a name without accents and spaces, as mail addresses do.
func ascii(name string) string { return plainLetters.Replace(name) }

// address returns an address that nobody else has, in any case.
func (n *Names) address(given, family string) string {
	local := ascii(strings.ToLower(given + "." + family))
	n.taken[local]++
	if same := n.taken[local]; same > 1 {
		local = fmt.Sprintf("%s%d", local, same)
	}
	switch n.rng.IntN(30) {
	case 0:
		local += "+contractor"
	case 1:
		local = strings.ToUpper(local[:1]) + local[1:]
	}
	domain := "demo.example"
	if n.rng.IntN(4) == 0 {
		domain = "corp.example"
	}
	return local + "@" + domain
}

// The names have the letters that trip software up: accents, apostrophes,
// spaces.

var givenNames = []string{
	"Aisha", "Alejandro", "Amélie", "Ana", "Anders", "Ben", "Björn", "Carlos", "Chloë", "Daniel", "Élodie", "Emma",
	"Fatima", "François", "Grace", "Hannah", "Hiroshi", "Ines", "Ivan", "Jean-Luc", "João", "Jürgen", "Kateřina", "Kofi",
	"Lars", "Léa", "Liam", "Łukasz", "Maria", "Mary Jane", "Mei", "Mohammed", "Nadia", "Noé", "Olga", "Oskar", "Priya",
	"Ravi", "Renée", "Rosa", "Sam", "Seán", "Søren", "Sofía", "Tomáš", "Uma", "Valentina", "Wei", "Yusuf", "Zoë",
}

var familyNames = []string{
	"Adeyemi", "Åkesson", "Andersson", "Bauer", "Bianchi", "Brown", "Castañeda", "Chen", "D'Angelo", "da Silva", "Dubois",
	"Eriksen", "Fernández", "García", "Haddad", "Hansen", "Horváth", "Ivanova", "Johnson", "Kim", "Kowalski", "Kumar",
	"Lefèvre", "Li", "Martin", "Mbeki", "McDonald", "Müller", "Nagy", "Nguyễn", "Novák", "O'Brien", "O'Neill", "Okafor",
	"Øster", "Patel", "Pérez", "Petrov", "Rossi", "Saito", "Schäfer", "Schmidt", "Smith", "Smith-Jones", "Suzuki",
	"Svensson", "Szabó", "van der Berg", "Weiß", "Yılmaz", "Zhang", "Žižek",
}
