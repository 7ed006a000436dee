//! Several caches as one, in memory: to learn from several folders, or sets of rendered people.

use std::path::Path;

use super::cache::{Cache, Session, SourceFile};

/// Why caches do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Their crops differ, or whose eyes they show.
    #[error(
        "the caches' crops differ in size, margin, scale, colour or whose eyes they show: prepare them alike"
    )]
    Crops,
    /// Numbers would not fit.
    #[error("{0} are too many for one training: 65535 persons, sittings and targets each")]
    TooMany(&'static str),
}

/// All samples of all caches, in order. Who has the same name in two of them is taken for the same
/// person, so that nobody is learned from and tested on. None of no caches.
///
/// # Errors
/// [`JoinError`].
pub fn join(caches: impl IntoIterator<Item = Cache>) -> Result<Option<Cache>, JoinError> {
    let mut caches = caches.into_iter();
    let Some(mut first) = caches.next() else {
        return Ok(None);
    };
    let mut next = caches.next();
    if next.is_some() {
        // Each file by its own folder from now on.
        first.header.files = files(&first);
        first.header.folder = String::new();
    }
    let (mut header, mut samples, mut crops) = first.into_parts();
    while let Some(cache) = next {
        let files = files(&cache);
        let (more, its_samples, its_crops) = cache.into_parts();
        if (more.crop, more.json_eyes) != (header.crop, header.json_eyes) {
            return Err(JoinError::Crops);
        }
        let person_of: Vec<u16> = (more.persons.iter())
            .map(|name| {
                let known = header.persons.iter().position(|n| n == name);
                let at = known.unwrap_or_else(|| {
                    header.persons.push(name.clone());
                    header.persons.len() - 1
                });
                number(at, "persons")
            })
            .collect::<Result<_, _>>()?;
        let begins = [
            header.sessions.len(),
            header.targets.len(),
            header.screens.len(),
            header.files.len(),
        ];
        let person_of = |person: u16| person_of[usize::from(person)];
        header
            .sessions
            .extend(more.sessions.iter().map(|s| Session {
                person: person_of(s.person),
                ..s.clone()
            }));
        header.drawn.extend(more.drawn);
        header.targets.extend(more.targets);
        header.screens.extend(more.screens);
        header.files.extend(files);
        header.skipped.extend(more.skipped);
        header.samples += its_samples.len();
        let moved = |at: u16, begin: usize, what| number(usize::from(at) + begin, what);
        for s in its_samples {
            samples.push(super::sample::Sample {
                person: person_of(s.person),
                session: moved(s.session, begins[0], "sittings")?,
                target: moved(s.target, begins[1], "targets")?,
                screen: moved(s.screen, begins[2], "screens")?,
                file: s.file + begins[3] as u32,
                ..s
            });
        }
        crops.extend(its_crops);
        next = caches.next();
    }
    Ok(Some(Cache::from_parts(header, samples, crops)))
}

fn number(at: usize, what: &'static str) -> Result<u16, JoinError> {
    u16::try_from(at).map_err(|_| JoinError::TooMany(what))
}

/// Its files with the folder they lie in.
fn files(cache: &Cache) -> Vec<SourceFile> {
    let folder = Path::new(&cache.header.folder);
    let inside = |file: &SourceFile| SourceFile {
        path: folder.join(&file.path).display().to_string(),
        ..file.clone()
    };
    cache.header.files.iter().map(inside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cache::CropSpec;
    use crate::synth::eyes::{self, Eyes};
    use std::sync::atomic::AtomicBool;

    const CROP: CropSpec = CropSpec {
        size: 32,
        pad: 4,
        scale: 1.8,
        channels: 1,
    };

    fn people(first: usize, crop: CropSpec) -> Cache {
        let order = Eyes {
            first,
            ..Eyes::new(5, 2, 2, crop)
        };
        eyes::draw(&order, &AtomicBool::new(false), &|_| ()).unwrap()
    }

    #[test]
    fn every_look_keeps_its_crops_its_person_and_its_target() {
        let (a, b) = (people(0, CROP), people(1, CROP));
        let both = join([a.clone(), b.clone()]).unwrap().unwrap();
        // Person 1 is in both.
        assert_eq!(both.header.persons.len(), 3);
        assert_eq!(both.len(), a.len() + b.len());
        for (k, (cache, i)) in (0..a.len())
            .map(|i| (&a, i))
            .chain((0..b.len()).map(|i| (&b, i)))
            .enumerate()
        {
            let (was, is) = (&cache.samples[i], &both.samples[k]);
            assert_eq!(cache.wide_crops(i), both.wide_crops(k));
            assert_eq!((was.ray, was.head_deg), (is.ray, is.head_deg));
            let name = |c: &Cache, p: u16| c.header.persons[usize::from(p)].clone();
            assert_eq!(name(cache, was.person), name(&both, is.person));
            let target = |c: &Cache, t: u16| c.header.targets[usize::from(t)];
            assert_eq!(target(cache, was.target), target(&both, is.target));
            let whose = both.header.sessions[usize::from(is.session)].person;
            assert_eq!(whose, is.person);
            assert_eq!(cache.picture(i), both.picture(k));
            assert_eq!(cache.screen(i), both.screen(k));
        }
        assert_eq!(join([a.clone()]).unwrap(), Some(a.clone()));
        assert_eq!(join([]), Ok(None));
        let other = CropSpec { size: 48, ..CROP };
        assert_eq!(join([a, people(3, other)]), Err(JoinError::Crops));
    }
}
