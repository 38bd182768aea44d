"""From results to text: every glyph and colour lives here, no arithmetic does."""
