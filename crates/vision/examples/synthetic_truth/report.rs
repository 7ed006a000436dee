//! Numbers beside their goals, as lines for people or as one JSON line for programs.

use serde_json::{Map, Value};

/// A number that has a goal.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At least this.
    Least(f64),
    /// At most this.
    Most(f64),
    /// No goal: the number says what is.
    None,
}

/// What was measured so far.
pub struct Report {
    json: bool,
    numbers: Map<String, Value>,
    missed: Vec<String>,
}

impl Report {
    pub fn new(json: bool) -> Report {
        Report {
            json,
            numbers: Map::new(),
            missed: Vec::new(),
        }
    }

    /// A line for people only.
    pub fn say(&self, line: &str) {
        if !self.json {
            println!("{line}");
        }
    }

    /// One number.
    pub fn put(&mut self, name: &str, value: f64, unit: &str, goal: Goal) {
        let (beside, met) = match goal {
            Goal::Least(least) => (format!("   goal ≥ {least}"), value >= least),
            Goal::Most(most) => (format!("   goal ≤ {most}"), value <= most),
            Goal::None => (String::new(), true),
        };
        let missed = if met { "" } else { "   MISSED" };
        self.say(&format!("{name:56} {value:9.3} {unit:14}{beside}{missed}"));
        if !met {
            self.missed.push(name.to_owned());
        }
        let rounded = (value * 1e4).round() / 1e4;
        self.numbers.insert(name.to_owned(), rounded.into());
    }

    /// Prints the JSON line; whether all goals are met.
    pub fn end(self) -> bool {
        if self.json {
            let mut all = self.numbers;
            all.insert("missed".to_owned(), self.missed.clone().into());
            println!("{}", Value::Object(all));
        } else if !self.missed.is_empty() {
            println!("missed: {}", self.missed.join("; "));
        }
        self.missed.is_empty()
    }
}
