//! Who is tested on whom: nobody on both sides where there are several people, and else no time.

use std::collections::BTreeMap;

use render::maths::Rng;
use serde::Serialize;

use super::folder::Picture;

/// Groups at most.
const MOST: usize = 10;
/// Blocks of one person's pictures.
const BLOCKS: usize = 5;

/// What two groups do not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// People.
    Person,
    /// Time: one person's pictures, in the order of their names, in blocks.
    Time,
}

impl By {
    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            By::Person => "people who are not in the rest",
            By::Time => "pictures of another time (there are not enough people to part them)",
        }
    }
}

/// Number of the group of each of `of` (numbers of `pictures`, which are in order), from 0, and
/// what parts them. Whatever group is left out, the others have both kinds.
pub fn groups(pictures: &[Picture], of: &[usize]) -> (Vec<usize>, By) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for i in of {
        *counts.entry(&pictures[*i].person).or_default() += 1;
    }
    if counts.len() > 1 {
        let mut people: Vec<(&str, usize)> = counts.into_iter().collect();
        // The largest first, into what is smallest so far.
        people.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let mut sizes = vec![0usize; people.len().min(MOST)];
        let mut group_of = BTreeMap::new();
        for (person, count) in people {
            let smallest = (0..sizes.len()).min_by_key(|g| sizes[*g]).unwrap_or(0);
            sizes[smallest] += count;
            group_of.insert(person, smallest);
        }
        let groups: Vec<usize> = (of.iter())
            .map(|i| group_of[pictures[*i].person.as_str()])
            .collect();
        if sound(pictures, of, &groups) {
            return (groups, By::Person);
        }
    }
    // Of each kind a fifth after the other.
    let mut total = [0usize; 2];
    let kind = |i: usize| usize::from(!pictures[i].contact);
    of.iter().for_each(|i| total[kind(*i)] += 1);
    let mut at = [0usize; 2];
    let groups = of.iter().map(|i| {
        let k = kind(*i);
        at[k] += 1;
        (at[k] - 1) * BLOCKS / total[k]
    });
    (groups.collect(), By::Time)
}

/// Whether both kinds are left whatever group is left out.
fn sound(pictures: &[Picture], of: &[usize], groups: &[usize]) -> bool {
    let last = groups.iter().max().copied().unwrap_or(0);
    (0..=last).all(|g| {
        let others = of.iter().zip(groups).filter(|(_, group)| **group != g);
        let mut kinds = others.map(|(i, _)| pictures[*i].contact);
        let first = kinds.next();
        first.is_some_and(|first| kinds.any(|k| k != first))
    })
}

/// Numbers to learn from, and to check on: about this share of them, of both kinds on both sides.
pub fn parted(pictures: &[Picture], of: &[usize], share: f64, seed: u64) -> ([Vec<usize>; 2], By) {
    let mut people: Vec<&str> = of.iter().map(|i| pictures[*i].person.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    let both = |side: &[usize]| {
        let contacts = side.iter().filter(|i| pictures[**i].contact).count();
        contacts > 0 && contacts < side.len()
    };
    let wanted = share * of.len() as f64;
    let mut rng = Rng::new(seed ^ 0xc047);
    let mut best: Option<(f64, [Vec<usize>; 2])> = None;
    for _ in 0..if people.len() > 1 { 60 } else { 0 } {
        for i in (1..people.len()).rev() {
            people.swap(i, (rng.bits() % (i as u64 + 1)) as usize);
        }
        // One person after the other to the side that is checked on.
        for count in 1..people.len() {
            let (check, learn): (Vec<usize>, Vec<usize>) =
                (of.iter()).partition(|i| people[..count].contains(&pictures[**i].person.as_str()));
            let off = (check.len() as f64 - wanted).abs();
            if both(&check) && both(&learn) && best.as_ref().is_none_or(|(o, _)| off < *o) {
                best = Some((off, [learn, check.clone()]));
            }
            if check.len() as f64 > wanted {
                break;
            }
        }
    }
    if let Some((_, sides)) = best {
        return (sides, By::Person);
    }
    // The last of each kind.
    let mut left = [true, false].map(|kind| {
        let all = of.iter().filter(|i| pictures[**i].contact == kind).count();
        all - ((share * all as f64).round() as usize).clamp(1, all.saturating_sub(1).max(1))
    });
    let (mut learn, mut check) = (Vec::new(), Vec::new());
    for i in of {
        let room = &mut left[usize::from(!pictures[*i].contact)];
        if *room > 0 {
            *room -= 1;
            learn.push(*i);
        } else {
            check.push(*i);
        }
    }
    ([learn, check], By::Time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn pictures(of: &[(u8, bool)]) -> Vec<Picture> {
        let mut all: Vec<Picture> = (of.iter().enumerate())
            .map(|(i, (person, contact))| Picture {
                path: format!("{i:03}"),
                file: Default::default(),
                person: person.to_string(),
                contact: *contact,
                hfov_deg: None,
            })
            .collect();
        all.sort_by(|a, b| (&a.person, &a.path).cmp(&(&b.person, &b.path)));
        all
    }

    proptest! {
        #[test]
        fn nobody_is_on_both_sides_and_both_kinds_are(
            of in prop::collection::vec((0..6u8, any::<bool>()), 12..80),
            seed in any::<u64>(),
        ) {
            let pictures = pictures(&of);
            let contacts = pictures.iter().filter(|p| p.contact).count();
            prop_assume!(contacts > 1 && contacts + 1 < pictures.len());
            let all: Vec<usize> = (0..pictures.len()).collect();
            let who = |side: &[usize]| -> BTreeSet<&str> {
                side.iter().map(|i| pictures[*i].person.as_str()).collect()
            };
            let kinds = |side: &[usize]| -> BTreeSet<bool> {
                side.iter().map(|i| pictures[*i].contact).collect()
            };
            let ([learn, check], by) = parted(&pictures, &all, 0.2, seed);
            prop_assert_eq!(learn.len() + check.len(), all.len());
            prop_assert_eq!(kinds(&learn).len(), 2);
            prop_assert_eq!(kinds(&check).len(), 2);
            if by == By::Person {
                prop_assert!(who(&learn).is_disjoint(&who(&check)));
            }
            let (groups, by) = groups(&pictures, &all);
            for group in groups.iter().collect::<BTreeSet<_>>() {
                let (test, rest): (Vec<usize>, Vec<usize>) =
                    all.iter().partition(|i| groups[**i] == *group);
                if by == By::Person {
                    prop_assert!(who(&test).is_disjoint(&who(&rest)));
                    prop_assert_eq!(kinds(&rest).len(), 2);
                }
            }
        }
    }

    #[test]
    fn many_people_are_parted_by_person_and_one_by_time() {
        let many: Vec<(u8, bool)> = (0..100).map(|i| (i % 5, i % 2 == 0)).collect();
        let all: Vec<usize> = (0..100).collect();
        let ([learn, check], by) = parted(&pictures(&many), &all, 0.2, 1);
        assert_eq!((learn.len(), check.len(), by), (80, 20, By::Person));
        let (numbers, by) = groups(&pictures(&many), &all);
        assert_eq!((numbers.iter().max(), by), (Some(&4), By::Person));
        let one: Vec<(u8, bool)> = (0..100).map(|i| (0, i % 2 == 0)).collect();
        let ([_, check], by) = parted(&pictures(&one), &all, 0.2, 1);
        assert_eq!((check, by), ((80..100).collect(), By::Time));
        let (numbers, by) = groups(&pictures(&one), &all);
        assert!(numbers.is_sorted() && by == By::Time);
        assert_eq!(numbers.iter().filter(|g| **g == 2).count(), 20);
    }
}
