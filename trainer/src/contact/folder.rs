//! Labelled pictures in a folder.
//!
//! `contact/` and `other/` hold pictures; sub-folders of theirs are people. Or the folder is a
//! set that `gaze-trainer synth` made: its JSON says who looks into the lens, and by how much
//! the others look beside it.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::Error;
use crate::data::walk::walk;
use crate::synth::label::Lens;
use crate::synth::store::read_label;

/// Names of the labels' folders: contact, and not.
pub const LABELS: [&str; 2] = ["contact", "other"];

/// A picture and what is true of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Below the folder, parts separated by `/`.
    pub path: String,
    /// The file.
    pub file: PathBuf,
    /// Who: the first folder below the label's; empty for what lies directly in it.
    pub person: String,
    /// Whether the person looks into the lens.
    pub contact: bool,
    /// The camera's horizontal field of view, degrees, where a rendered picture's JSON tells it.
    pub hfov_deg: Option<f64>,
}

/// What lies in a folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// By person and name, numbers in names by their value.
    pub pictures: Vec<Picture>,
    /// Labels are what JSON tells of rendered pictures, not folders.
    pub rendered: bool,
    /// Rendered pictures that look beside the lens by less than was asked for.
    pub near: usize,
    /// Pictures of such a set without JSON, or without a person in it.
    pub unlabelled: usize,
}

/// Lists labelled pictures (.jpg, .jpeg, .png) in a folder and those below it; what begins with a
/// dot is passed over. Of rendered ones those are left out that are in no contact and look
/// beside the lens by less than `away_deg`.
///
/// # Errors
/// [`Error::Folder`], [`Error::NoLabels`], [`Error::NoPictures`].
pub fn list(root: &Path, away_deg: f64) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    let folders = LABELS.map(|label| root.join(label));
    if folders.iter().all(|f| f.is_dir()) {
        for (label, folder) in LABELS.iter().zip(&folders) {
            let before = listing.pictures.len();
            pictures(folder, &mut |file, below| {
                let truth = truth(&file);
                listing.pictures.push(Picture {
                    path: format!("{label}/{below}"),
                    person: person(&below),
                    contact: *label == LABELS[0],
                    hfov_deg: truth.map(|t| t.hfov_deg),
                    file,
                });
            })?;
            if listing.pictures.len() == before {
                return Err(Error::NoPictures {
                    path: root.to_owned(),
                    what: label,
                });
            }
        }
    } else {
        listing.rendered = true;
        let of_set = |below: &str| {
            below
                .rsplit('/')
                .next()
                .is_some_and(|n| n.starts_with("img_"))
        };
        pictures(root, &mut |file, below| match truth(&file) {
            _ if !of_set(&below) => {}
            Some(t) if !t.contact && t.lens_deg < away_deg => listing.near += 1,
            Some(t) => listing.pictures.push(Picture {
                person: person(&below),
                path: below,
                contact: t.contact,
                hfov_deg: Some(t.hfov_deg),
                file,
            }),
            None => listing.unlabelled += 1,
        })?;
        if listing.pictures.is_empty() {
            return Err(Error::NoLabels(root.to_owned()));
        }
    }
    listing
        .pictures
        .sort_by(|a, b| (a.person.cmp(&b.person)).then_with(|| natural(&a.path, &b.path)));
    Ok(listing)
}

fn person(below: &str) -> String {
    below
        .split_once('/')
        .map_or("", |(first, _)| first)
        .to_owned()
}

/// Every picture in a folder and those below it.
fn pictures(folder: &Path, found: &mut dyn FnMut(PathBuf, String)) -> Result<(), Error> {
    walk(folder, &mut |path, below| {
        let ending = below.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
        if matches!(ending.as_deref(), Some("jpg" | "jpeg" | "png")) {
            found(path, below);
        }
    })
    .map_err(|(path, source)| Error::Folder { path, source })
}

/// What is true of a rendered picture.
struct Truth {
    contact: bool,
    lens_deg: f64,
    hfov_deg: f64,
}

/// Of the one whom the JSON beside a picture is about.
fn truth(picture: &Path) -> Option<Truth> {
    let label = read_label(&picture.with_extension("json")).ok()?;
    let face = label.truth.faces.iter().find(|f| f.followed)?;
    let Lens { fx, cx, .. } = label.truth.camera;
    let hfov_deg = 2.0 * libm::atan2(cx, fx).to_degrees();
    let sound = face.lens_deg.is_finite() && (10.0..170.0).contains(&hfov_deg);
    sound.then_some(Truth {
        contact: face.contact,
        lens_deg: face.lens_deg,
        hfov_deg,
    })
}

/// `img_9` before `img_10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        let digits = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (n, m) = (digits(a), digits(b));
        let order = if n > 0 && m > 0 {
            let value = |s: &str, n: usize| s[..n].trim_start_matches('0').to_owned();
            let (p, q) = (value(a, n), value(b, m));
            let order = p.len().cmp(&q.len()).then(p.cmp(&q)).then(n.cmp(&m));
            (a, b) = (&a[n..], &b[m..]);
            order
        } else {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn pictures_are_found_with_their_people_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for path in [
            "contact/ann/img_10.jpg",
            "contact/ann/img_9.JPG",
            "contact/me.png",
            "contact/.hidden.jpg",
            "contact/notes.txt",
            "other/bob/deep/er/1.jpeg",
        ] {
            put(path);
        }
        let listing = list(folder.path(), 0.0).unwrap();
        let seen: Vec<_> = (listing.pictures.iter())
            .map(|p| (p.person.as_str(), p.path.as_str(), p.contact))
            .collect();
        let wanted = [
            ("", "contact/me.png", true),
            ("ann", "contact/ann/img_9.JPG", true),
            ("ann", "contact/ann/img_10.jpg", true),
            ("bob", "other/bob/deep/er/1.jpeg", false),
        ];
        assert_eq!(seen, wanted);
        assert!(!listing.rendered);
        fs::remove_dir_all(folder.path().join("other/bob")).unwrap();
        let line = list(folder.path(), 0.0).unwrap_err().to_string();
        assert!(line.contains("in other"), "{line}");
        fs::remove_dir_all(folder.path().join("other")).unwrap();
        let line = list(folder.path(), 0.0).unwrap_err().to_string();
        assert!(line.contains("contact and other"), "{line}");
        let line = list(&folder.path().join("none"), 0.0).unwrap_err();
        assert!(line.to_string().contains("cannot be read"), "{line}");
    }
}
