package rules

// finder looks for many words at once, ASCII, without regard to case. It is Wu and Manber's way: a table over the
// last three bytes of a window as long as the shortest word says how far the window may jump. Operation names are long
// and share their beginnings, so most steps skip twenty bytes and more; an automaton would touch each of them.
type finder struct {
	words  []word
	window int     // length of the shortest word
	jump   []uint8 // by bucket; nil when there are no words: most sets of one rule have none
	head   []int16 // by bucket: first word whose window ends in this block, -1: none
}

// word is one text to find, folded, and the number under which it is reported.
type word struct {
	text string
	atom int
	next int16 // the next word in the same bucket, -1: none
}

const (
	block   = 3 // bytes that decide a jump
	buckets = 1 << 14
)

func (f *finder) add(text string, atom int) {
	f.words = append(f.words, word{text: text, atom: atom, next: -1})
}

// build fills the tables; it is called once, after the last add.
func (f *finder) build() {
	if len(f.words) == 0 {
		return
	}
	const longest = 255 // of a jump
	f.window = longest
	for _, w := range f.words {
		f.window = min(f.window, len(w.text))
	}
	f.jump, f.head = make([]uint8, buckets), make([]int16, buckets)
	for i := range f.jump {
		f.jump[i], f.head[i] = uint8(f.window-block+1), -1
	}
	for i, w := range f.words {
		for end := block; end <= f.window; end++ {
			b := bucket(w.text[end-3], w.text[end-2], w.text[end-1])
			f.jump[b] = min(f.jump[b], uint8(f.window-end))
			if end == f.window {
				f.words[i].next, f.head[b] = f.head[b], int16(i)
			}
		}
	}
}

// bucket is always below buckets.
func bucket(a, b, c byte) uint16 {
	return (uint16(a)<<9 ^ uint16(b)<<5 ^ uint16(c)) & (buckets - 1)
}

// any reports whether some word occurs in text.
func (f *finder) any(text []byte) bool { return scan(f, text, nil) }

// scan marks the words that occur in text; with nil hits it returns at the first.
func scan[T string | []byte](f *finder, text T, hits []bool) bool {
	found := false
	if len(f.words) == 0 {
		return false
	}
	jumps := f.jump[:buckets]
	for end := f.window; end <= len(text); {
		b := bucket(lower[text[end-3]], lower[text[end-2]], lower[text[end-1]])
		if jump := jumps[b]; jump > 0 {
			end += int(jump)
			continue
		}
		for i := f.head[b]; i >= 0; i = f.words[i].next {
			if !startsAt(text, end-f.window, f.words[i].text) {
				continue
			}
			if hits == nil {
				return true
			}
			hits[f.words[i].atom], found = true, true
		}
		end++
	}
	return found
}

// startsAt compares the whole word: its window and its hash only said that it is worth it.
func startsAt[T string | []byte](text T, i int, word string) bool {
	if len(text)-i < len(word) {
		return false
	}
	for j := range len(word) {
		if lower[text[i+j]] != word[j] {
			return false
		}
	}
	return true
}

// lower folds ASCII.
var lower = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()
