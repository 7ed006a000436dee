//! A contact sheet: pictures of a set as they lie on the disk, with their labels drawn in.
//!
//! It reads the files and does its own algebra, so a sheet that looks right says that
//! pictures and labels belong together.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use nalgebra::{Rotation3, Vector3};
use render::eye::eyeball::{LIMBUS, LIMBUS_DEPTH};
use render::scene::Picture;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Error;
use super::canvas::{Canvas, LINE, Rgb, text_width};
use super::label::{Eye, Face, HeadPose, Label, Lens};
use super::store::{is_whole, put, read_label};

/// Pictures across and down.
const GRID: [usize; 2] = [6, 4];
/// A picture's place on the sheet, pixels.
const SHOWN: [i32; 2] = [320, 240];
/// Height of the enlarged eyes below it.
const EYES: i32 = 104;
/// How wide the eyes stand apart there, and how much they are enlarged at most.
const APART: f64 = 150.0;
const MOST: f64 = 14.0;
/// An eye is drawn in while more than this share of its iris shows.
const OPEN: f64 = 0.1;
/// Between pictures, and around the sheet.
const GAP: i32 = 14;
/// Height of the words below a picture, and of those above all.
const WORDS: i32 = 2 * LINE + 6;
const TITLE: i32 = 42;

const PAPER: Rgb = [22, 24, 28];
const FRAME: Rgb = [42, 45, 52];
const INK: Rgb = [224, 226, 230];
const FAINT: Rgb = [138, 143, 152];
const IRIS: Rgb = [64, 224, 255];
const BALL: Rgb = [255, 92, 205];
const GAZE: Rgb = [255, 214, 64];
const AXES: [Rgb; 3] = [[255, 96, 80], [104, 224, 104], [96, 152, 255]];
const CONTACT: Rgb = [176, 255, 48];

/// Writes `preview.png` into `out` and tells where, and how many pictures are on it.
pub fn write(out: &Path) -> Result<(PathBuf, usize), Error> {
    let all = list(out)?;
    let chosen = choose(&all, GRID[0] * GRID[1]);
    if chosen.is_empty() {
        return Err(Error::Nothing(out.to_owned()));
    }
    let sheet = draw(&chosen, all.len());
    let path = out.join("preview.png");
    let mut png = Vec::new();
    let encoded = (|| {
        let mut encoder = png::Encoder::new(&mut png, sheet.width, sheet.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header()?.write_image_data(&sheet.rgb)
    })();
    encoded
        .map_err(std::io::Error::from)
        .and_then(|()| put(&path, &png))
        .map_err(|e| Error::write(&path, e))?;
    Ok((path, chosen.len()))
}

/// Stems (without `.json`) of all labels in the folder's sub-folders, by number.
fn list(out: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for folder in fs::read_dir(out).map_err(|e| Error::read(out, e))? {
        let folder = folder.map_err(|e| Error::read(out, e))?.path();
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder).map_err(|e| Error::read(&folder, e))? {
            let path = file.map_err(|e| Error::read(&folder, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let number = name
                .strip_prefix("img_")
                .and_then(|n| n.strip_suffix(".json"));
            if let Some(number) = number.and_then(|n| n.parse::<u64>().ok()) {
                all.push((number, path.with_extension("")));
            }
        }
    }
    all.sort();
    Ok(all.into_iter().map(|(_, path)| path).collect())
}

/// Up to `most` whole pairs, spread over all.
fn choose(all: &[PathBuf], most: usize) -> Vec<(Label, Picture)> {
    let most = most.min(all.len());
    (0..most)
        .filter_map(|i| {
            // A damaged pair gives its place to the next one.
            let (from, to) = (i * all.len() / most, (i + 1) * all.len() / most);
            all[from..to].iter().find_map(|stem| {
                let label = read_label(&stem.with_extension("json")).ok()?;
                let picture = stem.with_extension("jpg");
                is_whole(&picture, label.truth.jpeg_bytes)
                    .ok()?
                    .then_some(())?;
                let picture = decode(&fs::read(picture).ok()?)?;
                let i = &label.truth.camera;
                ((picture.width, picture.height) == (i.width, i.height)).then_some((label, picture))
            })
        })
        .collect()
}

/// Pixels of a JPEG.
pub fn decode(jpeg: &[u8]) -> Option<Picture> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let rgb = decoder.decode().ok()?;
    let info = decoder.info()?;
    Some(Picture {
        width: u32::from(info.width),
        height: u32::from(info.height),
        rgb,
    })
}

fn draw(chosen: &[(Label, Picture)], of: usize) -> Picture {
    let columns = GRID[0].min(chosen.len()) as i32;
    let rows = chosen.len().div_ceil(GRID[0]) as i32;
    let (across, down) = (SHOWN[0] + GAP, SHOWN[1] + EYES + WORDS + GAP);
    // A sheet of few pictures still has room for its title.
    let width = (GAP + columns * across).max(GAP + 3 * across);
    let mut canvas = Canvas::new(width as u32, (TITLE + rows * down) as u32, PAPER);
    title(&mut canvas, &chosen[0].0, chosen.len(), of);
    for (i, (label, picture)) in chosen.iter().enumerate() {
        let (column, row) = ((i % GRID[0]) as i32, (i / GRID[0]) as i32);
        tile(
            &mut canvas,
            [GAP + column * across, TITLE + row * down],
            label,
            picture,
        );
    }
    canvas.picture
}

fn title(canvas: &mut Canvas, label: &Label, shown: usize, of: usize) {
    let t = &label.truth;
    let words = format!("{}, seed {}: {shown} of {of} pictures", t.scenario, t.seed);
    let mut x = GAP;
    canvas.text([x, 12], &words, INK);
    x += text_width(&words) + 40;
    let legend = [
        ("eyeball", BALL),
        ("iris", IRIS),
        ("line of sight", GAZE),
        ("head: right", AXES[0]),
        ("down", AXES[1]),
        ("forward", AXES[2]),
        ("into the lens", CONTACT),
    ];
    for (words, colour) in legend {
        canvas.dot([f64::from(x), 20.5], 4.0, colour);
        canvas.text([x + 10, 12], words, FAINT);
        x += text_width(words) + 34;
    }
}

/// From camera frame to a place on the sheet: the label's own projection, then the part of
/// the picture that is shown.
struct View<'a> {
    lens: &'a Lens,
    /// Pixel of the picture at the top left of what is shown.
    origin: [f64; 2],
    /// Pixels of the sheet for one of the picture.
    scale: f64,
    /// Left, top, right, bottom on the sheet.
    at: [i32; 4],
}

impl View<'_> {
    fn place(&self, px: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|i| (px[i] - self.origin[i]) * self.scale + f64::from(self.at[i]))
    }

    fn project(&self, p: Vector3<f64>) -> [f64; 2] {
        let l = self.lens;
        let (x, y) = (p.x / p.z, p.y / p.z);
        let bent = 1.0 + l.k1 * (x * x + y * y);
        self.place([l.fx * x * bent + l.cx, l.fy * y * bent + l.cy])
    }
}

fn tile(canvas: &mut Canvas, [left, top]: [i32; 2], label: &Label, picture: &Picture) {
    let lens = &label.truth.camera;
    let whole = canvas.clip;
    let (right, bottom) = (left + SHOWN[0], top + SHOWN[1]);
    fill(canvas, [left, top, right, bottom + EYES], FRAME);

    let (w, h) = (f64::from(picture.width), f64::from(picture.height));
    let scale = (f64::from(SHOWN[0]) / w).min(f64::from(SHOWN[1]) / h);
    let margin = [(SHOWN[0], w), (SHOWN[1], h)].map(|(room, n)| (room - (n * scale) as i32) / 2);
    let view = View {
        lens,
        origin: [0.0; 2],
        scale,
        at: [
            left + margin[0],
            top + margin[1],
            right - margin[0],
            bottom - margin[1],
        ],
    };
    canvas.put(picture, view.origin, scale, view.at);
    canvas.clip = view.at;
    for face in &label.truth.faces {
        head(canvas, &view, face);
        for eye in face.eyes.iter().filter(|e| e.visible > OPEN) {
            sight(canvas, &view, eye, 140.0, 1.6);
        }
    }
    canvas.clip = whole;

    let Some(face) = label.truth.faces.iter().find(|f| f.followed) else {
        return;
    };
    let [a, b] = [face.eyes[0].centre_px, face.eyes[1].centre_px];
    let scale = (APART / (b[0] - a[0]).hypot(b[1] - a[1]).max(1.0)).min(MOST);
    let middle = [0, 1].map(|i| (a[i] + b[i]) / 2.0);
    let room = [f64::from(SHOWN[0]), f64::from(EYES)];
    let view = View {
        lens,
        origin: [0, 1].map(|i| middle[i] - room[i] / scale / 2.0),
        scale,
        at: [left, bottom + 2, right, bottom + EYES],
    };
    canvas.put(picture, view.origin, scale, view.at);
    canvas.clip = view.at;
    for eye in &face.eyes {
        if eye.visible > OPEN {
            canvas.ring(&limbus(&view, eye), 1.3, IRIS);
            canvas.dot(view.place(eye.iris_px), 1.6, IRIS);
        }
        sight(canvas, &view, eye, 26.0, 1.6);
        canvas.dot(view.place(eye.centre_px), 2.0, BALL);
    }
    canvas.clip = whole;
    words(canvas, [left, bottom + EYES + 4], label, face);
}

/// Two lines below a picture.
fn words(canvas: &mut Canvas, at: [i32; 2], label: &Label, face: &Face) {
    let t = &label.truth;
    let [x, y] = t.target_px;
    let HeadPose {
        yaw, pitch, roll, ..
    } = face.head;
    let first = format!(
        "img_{}  {}  {:.0} cm",
        t.index + 1,
        face.person,
        face.head.place_mm[2] / 10.0
    );
    canvas.text(at, &first, INK);
    let second = format!("target {x:.0}, {y:.0} px  head {yaw:+.0} {pitch:+.0} {roll:+.0}");
    canvas.text([at[0], at[1] + LINE], &second, FAINT);
    let lens = format!("lens {:.1}", face.lens_deg);
    let start = at[0] + SHOWN[0] - text_width(&lens);
    let colour = if face.contact { CONTACT } else { FAINT };
    canvas.text([start, at[1]], &lens, colour);
    if face.contact {
        canvas.dot(
            [f64::from(start) - 9.0, f64::from(at[1]) + 8.5],
            4.0,
            CONTACT,
        );
    }
}

fn fill(canvas: &mut Canvas, [left, top, right, bottom]: [i32; 4], colour: Rgb) {
    let width = canvas.picture.width as usize;
    for y in top..bottom {
        let at = 3 * (y as usize * width + left as usize);
        let row = &mut canvas.picture.rgb[at..at + 3 * (right - left) as usize];
        row.as_chunks_mut::<3>().0.fill(colour);
    }
}

/// The axes of a head from between its eyes, and about what room it takes.
fn head(canvas: &mut Canvas, view: &View, face: &Face) {
    let h = &face.head;
    let about = |axis, degrees: f64| Rotation3::from_axis_angle(&axis, degrees.to_radians());
    let turn = about(Vector3::y_axis(), -h.yaw)
        * about(Vector3::x_axis(), -h.pitch)
        * about(Vector3::z_axis(), h.roll);
    let place = Vector3::from(h.place_mm);
    let point = |x: f64, y: f64, z: f64| view.project(place + turn * Vector3::new(x, y, z));
    let mut corners = Vec::new();
    for x in [-72.0, 72.0] {
        for y in [-85.0, 118.0] {
            for z in [-10.0, 70.0] {
                corners.push(point(x, y, z));
            }
        }
    }
    let bound =
        |i: usize, f: fn(f64, f64) -> f64| corners.iter().map(|c| c[i]).reduce(f).unwrap_or(0.0);
    let (x0, x1) = (bound(0, f64::min), bound(0, f64::max));
    let (y0, y1) = (bound(1, f64::min), bound(1, f64::max));
    let colour = match (face.contact, face.followed) {
        (true, _) => CONTACT,
        (_, true) => INK,
        _ => FAINT,
    };
    canvas.ring(&[[x0, y0], [x1, y0], [x1, y1], [x0, y1]], 1.1, colour);
    let axes = [(50.0, 0.0, 0.0), (0.0, 50.0, 0.0), (0.0, 0.0, -50.0)];
    for ((x, y, z), colour) in axes.into_iter().zip(AXES) {
        canvas.line(point(0.0, 0.0, 0.0), point(x, y, z), 1.6, colour);
    }
}

/// The line of sight from the limbus on, `length` mm.
fn sight(canvas: &mut Canvas, view: &View, eye: &Eye, length: f64, width: f64) {
    let (centre, gaze) = (Vector3::from(eye.centre_mm), Vector3::from(eye.gaze));
    let ends = [f64::from(LIMBUS_DEPTH), length].map(|mm| view.project(centre + gaze * mm));
    canvas.line(ends[0], ends[1], width, GAZE);
}

/// The edge of the iris on the sheet, where it is an ellipse.
fn limbus(view: &View, eye: &Eye) -> Vec<[f64; 2]> {
    let axis = Vector3::from(eye.optical_axis);
    let middle = Vector3::from(eye.centre_mm) + axis * f64::from(LIMBUS_DEPTH);
    let across = axis.cross(&Vector3::y()).normalize();
    let up = axis.cross(&across);
    (0..32)
        .map(|i| {
            let (sin, cos) = (TAU * f64::from(i) / 32.0).sin_cos();
            view.project(middle + (across * cos + up * sin) * f64::from(LIMBUS))
        })
        .collect()
}
