//! What of the screen's dot is looked at.

/// A dot that is further than this from where it rested travels to another target.
const MOVED: f64 = 0.03;
/// A dot that moved less than this between two looks stands still …
const STILL: f64 = 0.002;
/// … and rests where it does so for so many: on a busy machine one that travels is drawn late.
const RESTS: u32 = 5;

/// Follows the dot, but for one target that is not looked at.
#[derive(Debug, Clone, Default)]
pub struct Attention {
    ignore: u32,
    /// Targets that the dot has come to or is on its way to.
    count: u32,
    /// Where it rested last; until it rests again, `None`.
    rest: Option<[f64; 2]>,
    last: Option<[f64; 2]>,
    /// Looks since it moved.
    still: u32,
    /// Where they look instead.
    instead: [f64; 2],
}

impl Attention {
    /// Somebody who does not look at the `n`-th target from now, counted from 1, but where the
    /// dot was before; 0: looks at all.
    pub fn ignoring(n: u32) -> Attention {
        Attention {
            ignore: n,
            instead: [0.5; 2],
            ..Attention::default()
        }
    }

    /// What is looked at while the screen shows the dot there.
    pub fn of(&mut self, dot: Option<[f64; 2]>) -> Option<[f64; 2]> {
        let Some(at) = dot else {
            (self.rest, self.last) = (None, None);
            return None;
        };
        let apart = |a: [f64; 2]| (a[0] - at[0]).hypot(a[1] - at[1]);
        self.still = match self.last {
            Some(last) if apart(last) < STILL => self.still + 1,
            _ => 0,
        };
        match self.rest {
            // It was away, and there it is again.
            None if self.last.is_none() => self.count += 1,
            None if self.still >= RESTS => self.rest = Some(at),
            Some(rest) if apart(rest) > MOVED => {
                self.count += 1;
                self.instead = rest;
                self.rest = None;
            }
            _ => {}
        }
        self.last = Some(at);
        Some(if self.count == self.ignore {
            self.instead
        } else {
            at
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_target_is_not_looked_at_and_only_once() {
        let targets = [[0.5, 0.5], [0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]];
        let mut attention = Attention::ignoring(3);
        let mut ignored = Vec::new();
        let mut from = targets[0];
        for at in targets {
            // Half way there the same picture is seen three times.
            for part in [1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 4] {
                let part = f64::from(part) / 4.0;
                let dot = [0, 1].map(|i| (1.0 - part) * from[i] + part * at[i]);
                let looked = attention.of(Some(dot)).unwrap();
                if looked != dot {
                    assert_eq!(looked, [0.1, 0.1]);
                    ignored.push(at);
                }
            }
            from = at;
        }
        assert_eq!(ignored, vec![[0.9, 0.1]; 12]);
        assert_eq!(attention.of(None), None);
    }
}
