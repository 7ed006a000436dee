//! What a recording shows, as things to draw.

use super::pages::{Page, Pages};
use super::scene::Item;
use super::style::THEME;
use crate::picture::chart::sentence;
use crate::picture::fonts::{Weight, width, wrapped};
use crate::picture::svg::Anchor;
use crate::record::view::{self, Dot, View};
use crate::session::{Hint, Problem, TargetView};

impl Pages {
    /// What is to be drawn of a recording now.
    pub fn recording(&mut self, view: &View<'_>) -> Vec<Item> {
        let mut page = self.page();
        match view {
            View::Page(words) => page.words(words),
            View::Dot(dot) => page.place_to_look_at(dot),
        }
        page.items
    }
}

impl Page {
    fn words(&mut self, words: &view::Page) {
        let u = self.unit;
        let mut y = self.size[1] / 2.0 - 190.0 * u;
        y = self.column(&words.title, y, self.style(38.0, Weight::Bold, THEME.ink));
        y += 28.0 * u;
        // The lines begin below one another: read more easily than centred ones.
        let style = self
            .style(20.0, Weight::Regular, THEME.ink)
            .at(Anchor::Start);
        let limit = (0.86 * self.size[0]).min(760.0 * u);
        let paragraphs: Vec<Vec<String>> = words
            .lines
            .iter()
            .map(|l| wrapped(l, style.size, style.weight, limit))
            .collect();
        let lines = paragraphs.iter().flatten();
        let widest = lines.map(|l| width(l, style.size, style.weight));
        let x = (self.size[0] - widest.fold(0.0, f64::max)) / 2.0;
        for paragraph in &paragraphs {
            for line in paragraph {
                self.text([x, y], line, style);
                y += 1.5 * style.size;
            }
            y += 0.7 * style.size;
        }
        self.keys(&words.keys, y + 30.0 * u);
    }

    fn place_to_look_at(&mut self, dot: &Dot) {
        self.target(&TargetView {
            at: dot.at,
            from: dot.from,
            phase: dot.phase,
            moved: dot.moved,
            progress: dot.progress,
            number: dot.number,
            of: dot.of,
            checking: false,
            hint: None,
        });
        let at = self.place(dot.at);
        match (&dot.problem, &dot.words) {
            (Some(problem), _) => self.hint(&Hint::Problem(Problem::Daemon(problem.clone())), at),
            (None, Some(words)) => {
                let style = self.style(24.0, Weight::Bold, THEME.ink);
                self.beside(&sentence(words), style, at);
            }
            (None, None) => {}
        }
    }
}
