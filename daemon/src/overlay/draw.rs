//! What is known of a picture, drawn into it.

use gaze::landmarks::{FACE_COUNT, Landmarks};
use nalgebra::Vector3;
use ring::layout::{FaceRow, FaceState, row_flags};
use vision::{EyeCropSpec, EyeCropper};

use super::canvas::{Canvas, Colour, TEXT_HEIGHT, text_width};
use super::rgb;
use crate::side::outlet::View;

const GREEN: Colour = [46, 204, 113];
const RED: Colour = [235, 77, 75];
const WHITE: Colour = [245, 246, 250];
const BLACK: Colour = [15, 16, 20];
const CYAN: Colour = [72, 219, 251];
const YELLOW: Colour = [255, 211, 42];
/// A line of sight is drawn this far, millimetres.
const RAY_MM: f64 = 220.0;
/// Pixels on a side of an eye crop, as the networks get it.
const CROP: usize = 64;

/// What the corner says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hud {
    /// Pictures a second.
    pub fps: f64,
    /// From light to measurement (live), or what a picture took (a file): milliseconds.
    pub latency_ms: f64,
    /// A clip is being recorded.
    pub recording: bool,
}

/// Draws views; keeps its buffers.
pub struct Overlay {
    /// The last picture that was drawn.
    pub canvas: Canvas,
    cropper: EyeCropper,
    crops: [Vec<u8>; 2],
}

impl Default for Overlay {
    fn default() -> Self {
        Self::new()
    }
}

impl Overlay {
    /// Nothing is drawn yet.
    pub fn new() -> Self {
        let cropper = EyeCropper::new(EyeCropSpec {
            size: CROP,
            ..EyeCropSpec::default()
        });
        let crop = || vec![0; cropper.spec().len()];
        Overlay {
            canvas: Canvas::default(),
            crops: [crop(), crop()],
            cropper,
        }
    }

    /// Draws a view whose frame is sound.
    pub fn draw(&mut self, view: &View, hud: &Hud) {
        rgb::paint(&view.frame, &mut self.canvas);
        let Some(m) = &view.measurement else { return };
        // As large as the picture asks for: lines and letters are for the eye.
        let unit = (self.canvas.height as f32 / 480.0).max(0.75);
        let scale = (self.canvas.height / 900 + 1).min(3);
        if view.camera.is_some() {
            landmarks(&mut self.canvas, &view.landmarks, unit);
        }
        if let (Some(camera), Some(gaze)) = (&view.camera, m.face.and_then(|f| f.gaze)) {
            let project = |p: Vector3<f64>| {
                let p = camera.project(p);
                [p.x as f32, p.y as f32]
            };
            // Never behind the camera.
            let ray = &gaze.combined;
            let most = (ray.origin.z - 60.0).max(0.0) / (-ray.direction.z).max(1e-3);
            let tip = ray.origin + ray.direction * RAY_MM.min(most);
            arrow(
                &mut self.canvas,
                project(ray.origin),
                project(tip),
                2.5 * unit,
                YELLOW,
            );
        }
        for row in m.table.faces() {
            face(&mut self.canvas, row, unit, scale);
        }
        if view.camera.is_some() {
            self.eyes(view);
        }
        corner(&mut self.canvas, hud, scale);
    }

    /// Both eyes as the networks get them, in the lower left corner.
    fn eyes(&mut self, view: &View) {
        let [left, right] = &mut self.crops;
        if !self
            .cropper
            .cut_bytes(&view.frame, &view.landmarks, left, right)
        {
            return;
        }
        let by = (self.canvas.height / 480).clamp(1, 4);
        let side = CROP * by;
        let margin = 8;
        if self.canvas.height < side + 2 * margin || self.canvas.width < 2 * side + 3 * margin {
            return;
        }
        let top = self.canvas.height - side - margin;
        for (i, crop) in self.crops.iter().enumerate() {
            let at = [margin + i * (side + margin), top];
            self.canvas.paste(at, [side, side], |x, y| {
                let p = y / by * CROP + x / by;
                [crop[p], crop[CROP * CROP + p], crop[2 * CROP * CROP + p]]
            });
            let area = [at[0] as f32, at[1] as f32, side as f32, side as f32];
            self.canvas.frame(area, 2.0, 2.0, WHITE);
        }
    }
}

/// Box, id, probability and state of a face.
fn face(canvas: &mut Canvas, row: &FaceRow, unit: f32, scale: usize) {
    let colour = match row.state() {
        FaceState::Contact => GREEN,
        _ => RED,
    };
    let primary = row.flags & row_flags::PRIMARY != 0;
    let line = if primary { 3.0 } else { 2.0 } * unit;
    canvas.frame([row.x, row.y, row.w, row.h], 8.0 * unit, line, colour);
    let mut text = format!("#{}", row.id);
    if row.contact.is_finite() {
        text.push_str(&format!(" {:.0} %", 100.0 * row.contact));
    }
    if !matches!(row.state(), FaceState::Contact | FaceState::Away) {
        text.push_str(&format!(" {}", row.state().text()));
    }
    let (w, h) = (
        text_width(&text, scale) as f32,
        (TEXT_HEIGHT * scale) as f32,
    );
    let (pad, most) = (4.0 * scale as f32, canvas.width as f32);
    // Above the box; within it where there is no room.
    let above = row.y - h - line;
    let y = if above >= 0.0 {
        above
    } else {
        row.y.max(0.0) + line
    };
    let x = (row.x - line / 2.0).clamp(0.0, (most - w - 2.0 * pad).max(0.0));
    canvas.fill([x, y, w + 2.0 * pad, h], colour, 0.85);
    canvas.text([x + pad, y], &text, scale, BLACK);
}

/// All points softly, the irises clearly.
fn landmarks(canvas: &mut Canvas, landmarks: &Landmarks, unit: f32) {
    for p in &landmarks[..FACE_COUNT] {
        canvas.disc([p[0], p[1]], 0.7 * unit, WHITE, 0.45);
    }
    for iris in [FACE_COUNT, FACE_COUNT + 5] {
        let [centre, rim @ ..] = &landmarks[iris..iris + 5] else {
            continue;
        };
        let reach = |p: &[f32; 3]| (p[0] - centre[0]).hypot(p[1] - centre[1]);
        let radius = rim.iter().map(reach).sum::<f32>() / 4.0;
        canvas.circle([centre[0], centre[1]], radius, 1.3 * unit, CYAN);
        canvas.disc([centre[0], centre[1]], 1.2 * unit, CYAN, 1.0);
    }
}

fn arrow(canvas: &mut Canvas, from: [f32; 2], to: [f32; 2], line: f32, colour: Colour) {
    canvas.line(from, to, line + 1.6, BLACK, 0.55);
    canvas.line(from, to, line, colour, 1.0);
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let length = dx.hypot(dy);
    // Seen from its end an arrow is its head only.
    if length < 3.0 * line {
        canvas.disc(to, 1.8 * line, colour, 1.0);
        return;
    }
    let (ux, uy) = (dx / length, dy / length);
    let size = (5.0 * line).min(length);
    for side in [-1.0, 1.0f32] {
        let back = [
            to[0] - size * (ux - side * 0.5 * uy),
            to[1] - size * (uy + side * 0.5 * ux),
        ];
        canvas.line(to, back, line, colour, 1.0);
    }
}

/// Rate and latency, and whether a clip is being recorded.
fn corner(canvas: &mut Canvas, hud: &Hud, scale: usize) {
    let text = format!("{:.1} fps  {:.0} ms", hud.fps, hud.latency_ms);
    let (w, h) = (
        text_width(&text, scale) as f32,
        (TEXT_HEIGHT * scale) as f32,
    );
    let s = scale as f32;
    canvas.fill([8.0, 8.0, w + 12.0 * s, h + 6.0 * s], BLACK, 0.6);
    canvas.text([8.0 + 6.0 * s, 8.0 + 3.0 * s], &text, scale, WHITE);
    if hud.recording {
        let text = "REC";
        let x = 8.0 + w + 20.0 * s;
        let wide = text_width(text, scale) as f32 + 30.0 * s;
        canvas.fill([x, 8.0, wide, h + 6.0 * s], BLACK, 0.6);
        canvas.disc([x + 12.0 * s, 8.0 + 3.0 * s + h / 2.0], 6.0 * s, RED, 1.0);
        canvas.text([x + 23.0 * s, 8.0 + 3.0 * s], text, scale, WHITE);
    }
}
