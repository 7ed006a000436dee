//! Puts a cache together of what was measured, in the order of the paths.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::cache::{CacheHeader, CacheWriter, SCHEMA, Session, ShownOn, SourceFile, beside};
use super::groups::{places, sessions};
use super::journal::{Entry, Journal};
use super::pairs::{Listing, Pair};
use super::prepare::{Error, Holds, Order};
use super::sample::Sample;
use super::skip::{Reason, Skipped, count};

/// Pictures of a sitting whose width ÷ height differs by more than this part are of another
/// shape than the others.
const SHAPE: f64 = 0.01;

/// A measured picture on its way into the cache.
struct Kept<'a> {
    pair: &'a Pair,
    entry: &'a Entry,
    sample: Sample,
}

/// Puts the cache together.
pub(super) fn finish(
    order: &Order,
    folder: &Path,
    listing: &Listing,
    settings: &str,
    journal: &Journal,
) -> Result<Holds, Error> {
    let mut skipped: Vec<Skipped> = (listing.halves.iter())
        .map(|(path, reason)| Skipped {
            path: path.clone(),
            hash: String::new(),
            reason: *reason,
            detail: String::new(),
        })
        .collect();
    let leave = |path: &str, entry: &Entry, reason, detail: &str| Skipped {
        path: path.to_owned(),
        hash: entry.hash.clone(),
        reason,
        detail: detail.to_owned(),
    };
    let mut kept: Vec<Kept> = Vec::new();
    let mut first: HashMap<&str, &str> = HashMap::new();
    for pair in &listing.pairs {
        let done = journal.done(&pair.path).expect("every pair was done");
        let entry = &done.entry;
        match (&entry.skip, done.sample) {
            (None, Some(sample)) => match first.get(&*entry.picture_hash) {
                Some(other) => {
                    let as_other = format!("as {other}");
                    skipped.push(leave(&pair.path, entry, Reason::Duplicate, &as_other));
                }
                None => {
                    first.insert(&entry.picture_hash, &pair.path);
                    kept.push(Kept {
                        pair,
                        entry,
                        sample,
                    });
                }
            },
            (Some((reason, detail)), _) => {
                skipped.push(leave(&pair.path, entry, *reason, detail));
            }
            (None, None) => unreachable!("what was not left out was measured"),
        }
    }
    let names = |kept: &[Kept]| -> Vec<String> {
        let all: HashSet<&str> = kept.iter().map(|k| &*k.pair.person).collect();
        let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
        all.sort();
        all
    };
    let sittings = |kept: &[Kept], names: &[String]| {
        let who = |k: &Kept| names.binary_search(&k.pair.person).unwrap_or(0) as u16;
        let looks: Vec<_> = (kept.iter())
            .map(|k| (who(k), k.sample.timestamp_ms))
            .collect();
        (sessions(&looks), looks)
    };
    // Shapes first: who goes may take a person or a sitting with them.
    let (numbers, _) = sittings(&kept, &names(&kept));
    let odd = odd_shapes(&kept, &numbers);
    let mut at = 0;
    kept.retain(|k| {
        at += 1;
        let Some(usual) = &odd[at - 1] else {
            return true;
        };
        let [w, h] = k.sample.image_px;
        let detail = format!("{w}×{h} among {usual}");
        skipped.push(leave(&k.pair.path, k.entry, Reason::Shape, &detail));
        false
    });
    skipped.sort();
    if kept.is_empty() {
        let counts = count(&skipped);
        let mostly = counts.iter().max_by_key(|(_, (n, _))| *n).map(|(r, _)| *r);
        return Err(Error::NoneLeft {
            folder: order.folder.clone(),
            pairs: listing.pairs.len(),
            mostly: mostly.unwrap_or(Reason::NoLabel),
            skipped,
        });
    }

    let persons = names(&kept);
    let (sitting, looks) = sittings(&kept, &persons);
    let shown: Vec<&ShownOn> = (kept.iter())
        .map(|k| {
            k.entry
                .screen
                .as_ref()
                .expect("a measured picture has a screen")
        })
        .collect();
    let mut screens: Vec<ShownOn> = Vec::new();
    let screen_of: Vec<usize> = (shown.iter())
        .map(|s| {
            screens.iter().position(|o| o == *s).unwrap_or_else(|| {
                screens.push((*s).clone());
                screens.len() - 1
            })
        })
        .collect();
    let aspect = |s: &ShownOn| f64::from(s.screen.width_px) / f64::from(s.screen.height_px);
    let targets: Vec<_> = (kept.iter().zip(&shown))
        .map(|(k, s)| (k.sample.target_norm, aspect(s)))
        .collect();
    let (place, middles) = places(&targets);
    let mut table: Vec<Session> = Vec::new();
    for (number, (person, time)) in sitting.iter().zip(&looks) {
        let new = Session {
            person: *person,
            begins_ms: *time,
            ends_ms: *time,
        };
        while table.len() <= *number {
            table.push(Session {
                begins_ms: u64::MAX,
                ..new.clone()
            });
        }
        let s = &mut table[*number];
        s.person = *person;
        s.begins_ms = s.begins_ms.min(*time);
        s.ends_ms = s.ends_ms.max(*time);
    }
    for (count, what) in [
        (persons.len(), "people"),
        (table.len(), "sittings"),
        (middles.len(), "targets"),
        (screens.len(), "screens"),
    ] {
        if count > usize::from(u16::MAX) {
            return Err(Error::TooMany {
                folder: order.folder.clone(),
                count,
                what,
            });
        }
    }
    let samples: Vec<Sample> = (kept.iter().enumerate())
        .map(|(i, k)| Sample {
            person: looks[i].0,
            session: sitting[i] as u16,
            target: place[i] as u16,
            screen: screen_of[i] as u16,
            file: i as u32,
            ..k.sample
        })
        .collect();
    let header = CacheHeader {
        schema: SCHEMA,
        crop: order.settings.crop,
        settings: settings.to_owned(),
        json_eyes: order.settings.json_eyes,
        hfov_deg: order.settings.hfov_deg,
        folder: folder.to_string_lossy().into_owned(),
        persons,
        drawn: BTreeMap::new(),
        sessions: table,
        targets: middles,
        screens,
        files: (kept.iter())
            .map(|k| SourceFile {
                path: k.pair.path.clone(),
                hash: k.entry.hash.clone(),
                picture: k.entry.picture_hash.clone(),
            })
            .collect(),
        skipped,
        samples: samples.len(),
    };
    let paths: Vec<String> = kept.iter().map(|k| k.pair.path.clone()).collect();
    let mut writer = CacheWriter::create(&order.out, &header, &samples)?;
    let mut crops = vec![0; 2 * order.settings.crop.wide_len()];
    for path in paths {
        journal
            .crops(&path, &mut crops)
            .map_err(|source| Error::Write {
                path: beside(&order.out, ".part"),
                source,
            })?;
        let (left, right) = crops.split_at(crops.len() / 2);
        writer.crops(left, right)?;
    }
    writer.finish()?;
    Ok(Holds::of(&header, &samples))
}

/// For each picture whose shape is not that of most of its sitting, what is usual there. A
/// camera does not change its shape while someone sits before it: such a picture was pulled.
fn odd_shapes(kept: &[Kept], numbers: &[usize]) -> Vec<Option<String>> {
    let shape = |k: &Kept| f64::from(k.sample.image_px[0]) / f64::from(k.sample.image_px[1]);
    let mut sittings: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, number) in numbers.iter().enumerate() {
        sittings.entry(*number).or_default().push(i);
    }
    let mut odd = vec![None; kept.len()];
    for members in sittings.values() {
        let alike = |i: usize, j: usize| (shape(&kept[i]) / shape(&kept[j]) - 1.0).abs() <= SHAPE;
        let mut sizes: BTreeMap<[u16; 2], usize> = BTreeMap::new();
        for i in members {
            *sizes.entry(kept[*i].sample.image_px).or_default() += 1;
        }
        let Some((usual, _)) = sizes.into_iter().max_by_key(|(_, n)| *n) else {
            continue;
        };
        let Some(like) = members.iter().find(|i| kept[**i].sample.image_px == usual) else {
            continue;
        };
        let majority = members.iter().filter(|i| alike(**i, *like)).count();
        if 2 * majority <= members.len() {
            continue;
        }
        for i in members.iter().filter(|i| !alike(**i, *like)) {
            odd[*i] = Some(format!("{}×{}", usual[0], usual[1]));
        }
    }
    odd
}
