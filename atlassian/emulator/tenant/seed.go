package tenant

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Epoch is when the tenant began. Sample data are dated from it, so that the
// same seed gives the same dates.
var Epoch = time.Date(2021, time.February, 16, 15, 5, 41, 185473000, time.UTC)

// Pick chooses one element of a list, which must not be empty.
func Pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// Names invents the names and mail addresses of people.
type Names struct {
	rng   *rand.Rand
	taken map[string]int // by the local part of an address: how many people wanted it
	last  [2]string      // the name of the latest person
}

// NewNames returns a source of names that draws from rng.
func NewNames(rng *rand.Rand) *Names { return &Names{rng: rng, taken: map[string]int{}} }

// Person returns the name of the ith person. Now and then two people in a row
// have the same.
func (n *Names) Person(i int) (given, family string) {
	if i%25 != 24 {
		n.last = [2]string{Pick(n.rng, givenNames), Pick(n.rng, familyNames)}
	}
	return n.last[0], n.last[1]
}

var plainLetters = strings.NewReplacer(
	"á", "a", "ä", "ae", "å", "a", "ç", "c", "é", "e", "è", "e", "ë", "e", "ễ", "e", "í", "i", "ı", "i",
	"ł", "l", "ñ", "n", "ó", "o", "ö", "oe", "ø", "o", "ã", "a", "ř", "r", "ß", "ss", "š", "s", "ü", "ue", "ž", "z",
	" ", "",
)

// ASCII spells a name without accents and without spaces, as mail addresses do.
func ASCII(name string) string { return plainLetters.Replace(name) }

// Address returns an address that nobody else has, in any case.
func (n *Names) Address(given, family string) string {
	local := ASCII(strings.ToLower(given + "." + family))
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

// The names contain what software stumbles over: accents, apostrophes, spaces.

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
