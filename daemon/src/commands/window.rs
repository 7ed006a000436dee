//! The window of `gazed run --window`: the newest picture with what is known of it.
//!
//! It lives on the main thread, as a Mac wants it; the supervisor has another one meanwhile.
//! It takes the newest view there is and is never waited for.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use ring::layout::ClipsStatus;
use softbuffer::{Context, Surface};
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{ElementState, WindowEvent};
use winit::event_loop::{
    ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy, OwnedDisplayHandle,
};
use winit::keyboard::{Key, NamedKey};
use winit::window::{Window, WindowId};

use super::render::Pace;
use crate::exit::{Exit, Failure};
use crate::overlay::{Canvas, Hud, Overlay};
use crate::pipeline::Event;
use crate::pipeline::shared::Shared;
use crate::side::outlet::{Inlet, View};

/// So often it looks for a new picture.
const GLANCE: Duration = Duration::from_millis(15);
/// Not more pictures a second than this.
const LEAST_GAP_NS: u64 = 30_000_000;

/// The daemon has ended: the window goes too.
pub struct Close;

/// An event loop, and what ends it from another thread.
pub struct Desktop {
    events: EventLoop<Close>,
}

impl Desktop {
    /// Connects to the desktop.
    ///
    /// # Errors
    /// There is none.
    pub fn connect() -> Result<Desktop, Failure> {
        EventLoop::<Close>::with_user_event()
            .build()
            .map(|events| Desktop { events })
            .map_err(|e| no_window(&e))
    }

    /// Ends the window.
    pub fn closer(&self) -> EventLoopProxy<Close> {
        self.events.create_proxy()
    }

    /// Shows pictures until the window is closed, which ends the daemon, or the daemon ends.
    ///
    /// # Errors
    /// No window can be opened, or nothing drawn in it.
    pub fn show(
        self,
        inlet: Inlet,
        shared: Arc<Shared>,
        tell: Sender<Event>,
    ) -> Result<(), Failure> {
        inlet.wish.want_every(LEAST_GAP_NS);
        let context =
            Context::new(self.events.owned_display_handle()).map_err(|e| no_window(&e))?;
        let mut app = App {
            inlet,
            shared,
            tell,
            context,
            shown: None,
            view: None,
            overlay: Overlay::new(),
            pace: Pace::default(),
            sized: false,
            failure: None,
        };
        self.events.run_app(&mut app).map_err(|e| no_window(&e))?;
        match app.failure {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

fn no_window(e: &dyn std::fmt::Display) -> Failure {
    let text = e
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    Failure::new(
        Exit::NotGood,
        format!("no window can be opened: {text}; start it on a desktop, or without --window"),
    )
}

/// What is drawn to, and the window it is in.
type Shown = (Surface<OwnedDisplayHandle, Arc<Window>>, Arc<Window>);

struct App {
    inlet: Inlet,
    shared: Arc<Shared>,
    tell: Sender<Event>,
    context: Context<OwnedDisplayHandle>,
    shown: Option<Shown>,
    /// What is on the canvas.
    view: Option<Box<View>>,
    overlay: Overlay,
    pace: Pace,
    /// The window has the picture's size, or has had it.
    sized: bool,
    failure: Option<Failure>,
}

impl App {
    /// Draws the newest view, if there is a new one.
    fn look(&mut self) -> bool {
        let mut newest: Option<Box<View>> = None;
        while let Some(view) = self.inlet.take() {
            if let Some(older) = newest.replace(view) {
                self.inlet.give_back(older);
            }
        }
        let Some(view) = newest else { return false };
        if view.frame.is_sound() {
            let perceived = view.measurement.as_ref().map_or(0, |m| m.perceived_ns);
            let hud = Hud {
                fps: self.pace.of(view.frame.captured_ns),
                latency_ms: perceived.saturating_sub(view.frame.captured_ns) as f64 / 1e6,
                recording: self.shared.clips.load().status() == ClipsStatus::Recording
                    || self.shared.record.is_recording(),
            };
            self.overlay.draw(&view, &hud);
        }
        if let Some((_, window)) = &self.shown
            && !std::mem::replace(&mut self.sized, true)
        {
            let _ = window.request_inner_size(size_for(&view.frame));
        }
        if let Some(before) = self.view.replace(view) {
            self.inlet.give_back(before);
        }
        true
    }

    fn present(&mut self) -> Result<(), Failure> {
        let Some((surface, window)) = &mut self.shown else {
            return Ok(());
        };
        let size = window.inner_size();
        let (Some(w), Some(h)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        surface.resize(w, h).map_err(|e| no_window(&e))?;
        let mut buffer = surface.buffer_mut().map_err(|e| no_window(&e))?;
        fit(
            &self.overlay.canvas,
            &mut buffer,
            [size.width, size.height].map(|v| v as usize),
        );
        window.pre_present_notify();
        buffer.present().map_err(|e| no_window(&e))
    }

    fn draw(&mut self, events: &ActiveEventLoop) {
        if let Err(failure) = self.present() {
            self.failure = Some(failure);
            let _ = self.tell.send(Event::Stop);
            events.exit();
        }
    }
}

impl ApplicationHandler<Close> for App {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.shown.is_some() {
            return;
        }
        let attributes = Window::default_attributes()
            .with_title("gazed")
            .with_inner_size(LogicalSize::new(960.0, 540.0));
        let opened = events
            .create_window(attributes)
            .map_err(|e| no_window(&e))
            .and_then(|window| {
                let window = Arc::new(window);
                let surface =
                    Surface::new(&self.context, Arc::clone(&window)).map_err(|e| no_window(&e))?;
                Ok((surface, window))
            });
        match opened {
            Ok(shown) => self.shown = Some(shown),
            Err(failure) => {
                self.failure = Some(failure);
                let _ = self.tell.send(Event::Stop);
                events.exit();
            }
        }
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => {
                let _ = self.tell.send(Event::Stop);
            }
            WindowEvent::KeyboardInput { event, .. } => {
                let leave = match &event.logical_key {
                    Key::Named(NamedKey::Escape) => true,
                    Key::Character(c) => c.eq_ignore_ascii_case("q"),
                    _ => false,
                };
                if leave && event.state == ElementState::Pressed {
                    let _ = self.tell.send(Event::Stop);
                }
            }
            WindowEvent::RedrawRequested => self.draw(events),
            _ => {}
        }
    }

    fn user_event(&mut self, events: &ActiveEventLoop, _: Close) {
        events.exit();
    }

    fn about_to_wait(&mut self, events: &ActiveEventLoop) {
        if self.look() {
            self.draw(events);
        }
        events.set_control_flow(ControlFlow::WaitUntil(Instant::now() + GLANCE));
    }
}

/// The picture's own, where that is not too much for a desktop.
fn size_for(frame: &vision::Frame) -> LogicalSize<f64> {
    let (w, h) = (f64::from(frame.width), f64::from(frame.height));
    let by = (1280.0 / w).min(800.0 / h).min(1.0);
    LogicalSize::new(w * by, h * by)
}

/// Puts the canvas into a buffer of 0x00RRGGBB, as large as it goes without bending it, grey
/// around it. Means of the four nearest pixels where the sizes differ.
fn fit(canvas: &Canvas, out: &mut [u32], [w, h]: [usize; 2]) {
    const AROUND: u32 = 0x0018_191C;
    let (cw, ch) = (canvas.width, canvas.height);
    if cw == 0 || ch == 0 {
        out.fill(AROUND);
        return;
    }
    let by = (w as f32 / cw as f32).min(h as f32 / ch as f32);
    let (sw, sh) = ((cw as f32 * by) as usize, (ch as f32 * by) as usize);
    let (left, top) = ((w - sw.min(w)) / 2, (h - sh.min(h)) / 2);
    let at = |x: usize, y: usize| {
        let p = &canvas.rgb[3 * (y.min(ch - 1) * cw + x.min(cw - 1))..][..3];
        [p[0], p[1], p[2]].map(u32::from)
    };
    for y in 0..h {
        let row = &mut out[y * w..(y + 1) * w];
        if y < top || y >= top + sh {
            row.fill(AROUND);
            continue;
        }
        let fy = ((y - top) as f32 + 0.5) / by - 0.5;
        let (y0, ty) = (fy.max(0.0) as usize, (fy.max(0.0).fract() * 256.0) as u32);
        for (x, to) in row.iter_mut().enumerate() {
            if x < left || x >= left + sw {
                *to = AROUND;
                continue;
            }
            let fx = ((x - left) as f32 + 0.5) / by - 0.5;
            let (x0, tx) = (fx.max(0.0) as usize, (fx.max(0.0).fract() * 256.0) as u32);
            let (a, b, c, d) = (
                at(x0, y0),
                at(x0 + 1, y0),
                at(x0, y0 + 1),
                at(x0 + 1, y0 + 1),
            );
            let mut pixel = 0;
            for i in 0..3 {
                let upper = a[i] * (256 - tx) + b[i] * tx;
                let lower = c[i] * (256 - tx) + d[i] * tx;
                pixel = pixel << 8 | (upper * (256 - ty) + lower * ty) >> 16;
            }
            *to = pixel;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_fills_the_window_unbent_and_in_its_colours() {
        let mut canvas = Canvas::default();
        canvas.reset(4, 2);
        for (i, p) in canvas.rgb.chunks_exact_mut(3).enumerate() {
            p.copy_from_slice(&[10 * i as u8, 200, 7]);
        }
        let mut same = vec![0; 8];
        fit(&canvas, &mut same, [4, 2]);
        for (i, p) in same.iter().enumerate() {
            assert_eq!(*p, (10 * i as u32) << 16 | 200 << 8 | 7);
        }
        let mut larger = vec![0; 12 * 8];
        fit(&canvas, &mut larger, [12, 8]);
        assert!(
            larger[..12].iter().all(|p| *p == 0x18191C),
            "one row is left above"
        );
        assert!(larger[12..84].iter().all(|p| p >> 8 & 0xFF == 200));
        assert!(larger[84..].iter().all(|p| *p == 0x18191C));
    }
}
