package flow

// wear puts a look on that was chosen by touch, and has it remembered for who is
// here.
func (t *turn) wear(look Look) {
	t.Look, t.Chosen = look, true
	if card := t.Visit.Card; card != nil && !card.Staff && !t.Visit.Locked {
		t.emit(Remember{card.Own.Ref, look})
	}
}

func (l Look) valid() bool { return l.Size <= Largest && l.Volume >= Silent && l.Volume <= Loudest }

// rows are what can be chosen about the look, one thing to a row.
func (s State) rows() []Row {
	row := func(key string, options ...Option) Row {
		for i := range options {
			options[i].Chosen = options[i].Look == s.Look
		}
		return Row{Phrase{Key: key}, options}
	}
	option := func(key string, change func(*Look)) Option {
		o := Option{Words: Phrase{Key: key}, Look: s.Look}
		change(&o.Look)
		return o
	}
	rows := []Row{
		row("look.size",
			option("look.size.normal", func(l *Look) { l.Size = Normal }),
			option("look.size.large", func(l *Look) { l.Size = Large }),
			option("look.size.largest", func(l *Look) { l.Size = Largest })),
		row("look.colour",
			option("look.colour.calm", func(l *Look) { l.Contrast = false }),
			option("look.colour.strong", func(l *Look) { l.Contrast = true })),
	}
	if s.Rules.Speech {
		rows = append(rows,
			row("look.voice",
				option("look.voice.silent", func(l *Look) { l.Volume = Silent }),
				option("look.voice.softer", func(l *Look) { l.Volume = Softer }),
				option("look.voice.usual", func(l *Look) { l.Volume = Usual }),
				option("look.voice.louder", func(l *Look) { l.Volume = Louder }),
				option("look.voice.loudest", func(l *Look) { l.Volume = Loudest })),
			row("look.pace",
				option("look.pace.usual", func(l *Look) { l.Slow = false }),
				option("look.pace.slow", func(l *Look) { l.Slow = true })))
	}
	return rows
}

// measure is the staff's: it makes everything larger or smaller until the picture
// of a card is as large as a card.
func (t *turn) measure(a Action) {
	const step, least, most = 1.01, 0.4, 2.5
	switch {
	case a == Measure && t.screen() == Staffing:
		t.Page = Measuring
	case t.Page != Measuring:
	case a == Larger:
		t.Scale = min(t.Scale*step, most)
	case a == Smaller:
		t.Scale = max(t.Scale/step, least)
	case a == Fits:
		t.Rules.Scale, t.Page = t.Scale, Welcome
		t.emit(Rescale{t.Scale})
	}
}
