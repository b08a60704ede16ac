package flow

import "slices"

// named is what to say of the button of a view that sends m, for who does not see
// where a keypad has led them: its words, and of which item. It has no title where
// nothing is to be said: the digits of a secret number are nobody's to hear.
func (v View) named(m Msg) View {
	say := View{Screen: v.Screen, Look: v.Look}
	switch m := m.(type) {
	case LanguageChosen:
		say.Look.Language, say.Title = m.Language, Phrase{Key: "language.name"}
	case Turned:
		say.Title = Phrase{Key: TurnMore}
		if m.By < 0 {
			say.Title.Key = TurnBefore
		}
	case LookChosen:
		for _, row := range v.Rows {
			if i := slices.IndexFunc(row.Options, func(o Option) bool { return o.Look == m.Look }); i >= 0 && say.Title.Key == "" {
				say.Title = row.Options[i].Words
			}
		}
	case Pressed:
		say.Title, say.Text = v.pressable(m)
	}
	return say
}

// pressable are the words of a button, and the item beside which it stands.
func (v View) pressable(m Pressed) (Phrase, []Phrase) {
	for i, l := range v.Lines {
		if l.Button.Action == m.Action && l.Button.Item == m.Item {
			return l.Button.Words, []Phrase{{Key: "say.line", Title: l.Item.Title, N: i + 1}}
		}
	}
	for _, c := range v.Choices {
		if c.Action == m.Action && c.Who == m.Who && c.List == m.List {
			return c.Words, nil
		}
	}
	for _, b := range v.Buttons {
		if b.Action == m.Action {
			return b.Words, nil
		}
	}
	if m.Action == Back || m.Action == Help || m.Action == Looks {
		return Phrase{Key: string(m.Action)}, nil
	}
	return Phrase{}, nil
}
