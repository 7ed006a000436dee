//! The window itself: full screen on one display, keys, focus, pictures.
//!
//! The looks come from a thread of their own, which waits for them; they enter the event
//! loop as events. Drawing takes no lock and asks nobody.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gaze::calibration::DisplayRecord;
use gaze::screen::Screen;
use softbuffer::{Context, Rect, Surface};
use winit::application::ApplicationHandler;
use winit::dpi::PhysicalPosition;
use winit::event::{ElementState, KeyEvent, WindowEvent};
use winit::event_loop::{
    ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy, OwnedDisplayHandle,
};
use winit::keyboard::{Key as Typed, KeyCode, NamedKey, PhysicalKey};
use winit::monitor::MonitorHandle;
use winit::window::{Fullscreen, Window, WindowId};

use super::area::Area;
use super::pages::Pages;
use super::paint::Canvas;
use super::scene::Item;
use super::style::THEME;
use crate::session::{Key, Look, Session};

/// Pictures a second.
const RATE: u32 = 60;
/// A window that has not been given the keyboard by then takes it: without a window
/// manager nobody gives it.
const FOCUS_AFTER: Duration = Duration::from_millis(300);
/// So long a window may cover too little of its display: while it becomes full screen.
const CRAMPED_FOR: Duration = Duration::from_secs(1);

/// Which display, as the system numbers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its name.
    pub id: String,
    /// The system's number (`CGDirectDisplayID` on a Mac).
    pub native: u32,
    /// Upper left corner on the desktop.
    pub corner: (i32, i32),
    /// Pixels across and down.
    pub size: (u32, u32),
}

/// Where looks come from. It is asked in a thread of its own, may wait for about a
/// tenth of a second, and says `None` when there was none meanwhile.
pub type Feed = Box<dyn FnMut() -> Option<Look> + Send>;

/// What a window shows and who hears its keys: a sitting, or a recording.
pub trait Show {
    /// The display that its places are on.
    fn display(&self) -> &DisplayRecord;
    /// What lines of sight are met with.
    fn screen(&self) -> Screen {
        self.display().screen()
    }
    /// A look has come.
    fn look(&mut self, now_ns: u64, look: &Look);
    /// A key was pressed.
    fn key(&mut self, now_ns: u64, key: Key);
    /// Time passes.
    fn tick(&mut self, now_ns: u64);
    /// The window can close.
    fn is_over(&self) -> bool;
    /// What is to be seen.
    fn scene(&self, pages: &mut Pages, now_ns: u64) -> Vec<Item>;
}

impl Show for Session {
    fn display(&self) -> &DisplayRecord {
        &self.plan().setup.display
    }

    fn screen(&self) -> Screen {
        self.plan().screen()
    }

    fn look(&mut self, now_ns: u64, look: &Look) {
        Session::look(self, now_ns, look);
    }

    fn key(&mut self, now_ns: u64, key: Key) {
        Session::key(self, now_ns, key);
    }

    fn tick(&mut self, now_ns: u64) {
        Session::tick(self, now_ns);
    }

    fn is_over(&self) -> bool {
        self.outcome().is_some()
    }

    fn scene(&self, pages: &mut Pages, now_ns: u64) -> Vec<Item> {
        pages.scene(&self.view(now_ns))
    }
}

/// Why the window closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The session came to its outcome.
    Finished,
    /// Somebody closed the window: the session was told to leave.
    Closed,
    /// Another window took the keyboard: the session was told to leave.
    FocusLost,
}

/// How a window did: for `--verbose` and for measuring.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Frames {
    /// Pictures that were shown.
    pub shown: u32,
    /// Mean time of one: session, scene, pixels and handing over.
    pub mean: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// No desktop to open it on.
    #[error("no window can be opened: {0}")]
    Desktop(String),
    /// The display is not there (any more).
    #[error("display {0} is not connected")]
    Display(String),
    /// It does not get the whole display.
    #[error(
        "the window gets {}x{} of the {}x{} pixels of display {id}: close what takes the rest, \
         or leave what keeps windows from becoming full screen",
        window[0], window[1], display[0], display[1]
    )]
    Cramped {
        /// The display.
        id: String,
        /// Pixels of the window.
        window: [u32; 2],
        /// Pixels of the display.
        display: [u32; 2],
    },
    /// The desktop took no picture.
    #[error("nothing can be drawn in the window: {0}")]
    Draw(String),
}

/// Shows the session (or whatever it is) full screen until it is over or the window is gone.
///
/// # Errors
/// [`WindowError`]: the session is as it was when the window failed.
pub fn show(
    session: &mut dyn Show,
    place: &Place,
    feed: Feed,
    now_ns: fn() -> u64,
) -> Result<(Ended, Frames), WindowError> {
    let desktop = |e: &dyn std::fmt::Display| WindowError::Desktop(one_line(e));
    let events = EventLoop::<Look>::with_user_event()
        .build()
        .map_err(|e| desktop(&e))?;
    let context = Context::new(events.owned_display_handle()).map_err(|e| desktop(&e))?;
    let stop = Arc::new(AtomicBool::new(false));
    let looks = follow(feed, events.create_proxy(), Arc::clone(&stop)).map_err(|e| desktop(&e))?;
    let mut app = App {
        session,
        place,
        now_ns,
        context,
        shown: None,
        ended: Ok(Ended::Finished),
        frames: Frames::default(),
        busy: Duration::ZERO,
    };
    let ran = events.run_app(&mut app).map_err(|e| desktop(&e));
    let (ended, frames) = (app.ended, app.frames);
    stop.store(true, Ordering::Relaxed);
    // It waits for looks a tenth of a second at most.
    let _ = looks.join();
    ran?;
    Ok((ended?, frames))
}

/// Starts the thread that waits for looks.
fn follow(
    mut feed: Feed,
    proxy: EventLoopProxy<Look>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name("looks".to_owned())
        .spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                // It fails when the event loop is gone.
                if feed().is_some_and(|look| proxy.send_event(look).is_err()) {
                    break;
                }
            }
        })
}

struct App<'a> {
    session: &'a mut dyn Show,
    place: &'a Place,
    now_ns: fn() -> u64,
    context: Context<OwnedDisplayHandle>,
    shown: Option<Shown>,
    ended: Result<Ended, WindowError>,
    frames: Frames,
    busy: Duration,
}

/// The open window and what is drawn in it.
struct Shown {
    surface: Surface<OwnedDisplayHandle, Arc<Window>>,
    window: Arc<Window>,
    canvas: Canvas,
    pages: Pages,
    /// The display's corner on the desktop and its size, in the window system's pixels.
    monitor: ([i32; 2], [u32; 2]),
    /// Since when it covers too little of that.
    cramped: Option<Instant>,
    opened: Instant,
    next: Instant,
    /// It has had the keyboard.
    focused: bool,
    asked_for_focus: bool,
}

impl App<'_> {
    fn open(&mut self, events: &ActiveEventLoop) -> Result<Shown, WindowError> {
        let monitor =
            find(events, self.place).ok_or_else(|| WindowError::Display(self.place.id.clone()))?;
        let (x, y) = self.place.corner;
        let attributes = Window::default_attributes()
            .with_title("gaze-calib")
            .with_decorations(false)
            // Where no window manager answers to "full screen".
            .with_position(PhysicalPosition::new(x, y))
            .with_inner_size(monitor.size())
            .with_fullscreen(Some(Fullscreen::Borderless(Some(monitor.clone()))));
        let window = events
            .create_window(attributes)
            .map_err(|e| WindowError::Desktop(one_line(&e)))?;
        window.set_cursor_visible(false);
        window.focus_window();
        let window = Arc::new(window);
        let surface = Surface::new(&self.context, Arc::clone(&window))
            .map_err(|e| WindowError::Draw(one_line(&e)))?;
        let (at, of) = (monitor.position(), monitor.size());
        let mut shown = Shown {
            surface,
            canvas: Canvas::new([1; 2], THEME.ground),
            pages: Pages::new([1; 2], Area::WHOLE, self.display()),
            window,
            monitor: ([at.x, at.y], [of.width, of.height]),
            cramped: None,
            opened: Instant::now(),
            next: Instant::now(),
            focused: false,
            asked_for_focus: false,
        };
        shown.fit(self.display())?;
        Ok(shown)
    }

    fn display(&self) -> &DisplayRecord {
        self.session.display()
    }

    fn end(&mut self, events: &ActiveEventLoop, how: Result<Ended, WindowError>) {
        self.ended = how;
        events.exit();
    }

    /// As if escape had been pressed, unless it is over already.
    fn leave(&mut self, events: &ActiveEventLoop, how: Ended) {
        if self.session.is_over() {
            return self.end(events, Ok(Ended::Finished));
        }
        self.session.key((self.now_ns)(), Key::Leave);
        self.end(events, Ok(how));
    }

    fn picture(&mut self, events: &ActiveEventLoop) {
        let began = Instant::now();
        let now = (self.now_ns)();
        self.session.tick(now);
        if self.session.is_over() {
            return self.end(events, Ok(Ended::Finished));
        }
        let Some(shown) = &mut self.shown else { return };
        if shown
            .cramped
            .is_some_and(|since| since.elapsed() > CRAMPED_FOR)
        {
            let window = shown.canvas.size();
            let (id, display) = (self.place.id.clone(), shown.monitor.1);
            let cramped = WindowError::Cramped {
                id,
                window,
                display,
            };
            return self.end(events, Err(cramped));
        }
        match shown.picture(self.session, now) {
            Ok(false) => {}
            Ok(true) => {
                let took = began.elapsed();
                self.busy += took;
                self.frames.shown += 1;
                self.frames.mean = self.busy / self.frames.shown;
                self.frames.longest = self.frames.longest.max(took);
            }
            Err(e) => self.end(events, Err(e)),
        }
    }
}

impl ApplicationHandler<Look> for App<'_> {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.shown.is_some() {
            return;
        }
        match self.open(events) {
            Ok(shown) => self.shown = Some(shown),
            Err(e) => self.end(events, Err(e)),
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, look: Look) {
        self.session.look((self.now_ns)(), &look);
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => {
                self.leave(events, Ended::Closed);
            }
            WindowEvent::Focused(true) => {
                if let Some(shown) = &mut self.shown {
                    shown.focused = true;
                }
            }
            WindowEvent::Focused(false) if self.shown.as_ref().is_some_and(|s| s.focused) => {
                self.leave(events, Ended::FocusLost);
            }
            WindowEvent::Resized(_) | WindowEvent::Moved(_) => {
                let display = self.session.display().clone();
                if let Some(Err(e)) = self.shown.as_mut().map(|s| s.fit(&display)) {
                    self.end(events, Err(e));
                }
            }
            WindowEvent::KeyboardInput { event, .. } => {
                if let Some(key) = key(&event) {
                    self.session.key((self.now_ns)(), key);
                    self.picture(events);
                }
            }
            WindowEvent::RedrawRequested => {
                // What the system lost of the window is drawn anew.
                if let Some(shown) = &mut self.shown {
                    shown.canvas.forget();
                }
                self.picture(events);
            }
            _ => {}
        }
    }

    fn about_to_wait(&mut self, events: &ActiveEventLoop) {
        let now = Instant::now();
        let Some(shown) = &mut self.shown else { return };
        if !shown.focused && !shown.asked_for_focus && shown.opened.elapsed() >= FOCUS_AFTER {
            shown.asked_for_focus = true;
            take_focus(&shown.window);
        }
        if now >= shown.next {
            // Pictures that were missed are not made up for.
            shown.next = now.max(shown.next + Duration::from_secs(1) / RATE);
            self.picture(events);
        }
        if let Some(shown) = &self.shown {
            events.set_control_flow(ControlFlow::WaitUntil(shown.next));
        }
    }
}

impl Shown {
    /// Takes up where the window is and how large.
    fn fit(&mut self, display: &DisplayRecord) -> Result<(), WindowError> {
        let size = self.window.inner_size();
        let size = [size.width.max(1), size.height.max(1)];
        // Where windows do not know their place a full-screen one is at the corner.
        let at = self.window.inner_position();
        let at = at.map_or(self.monitor.0, |at| [at.x, at.y]);
        let area = Area::of((at, size), self.monitor);
        self.cramped = match area.has_room() {
            true => None,
            false => Some(self.cramped.unwrap_or_else(Instant::now)),
        };
        let [w, h] = size.map(|v| NonZeroU32::new(v).unwrap_or(NonZeroU32::MIN));
        self.surface
            .resize(w, h)
            .map_err(|e| WindowError::Draw(one_line(&e)))?;
        self.canvas = Canvas::new(size, THEME.ground);
        self.pages = Pages::new(size, area, display);
        Ok(())
    }

    /// Draws what changed and hands it over; `false` where nothing did.
    fn picture(&mut self, session: &dyn Show, now: u64) -> Result<bool, WindowError> {
        let rects = self.canvas.draw(session.scene(&mut self.pages, now));
        if rects.is_empty() {
            return Ok(false);
        }
        let draw = |e: softbuffer::SoftBufferError| WindowError::Draw(one_line(&e));
        let mut buffer = self.surface.buffer_mut().map_err(draw)?;
        let stride = self.canvas.size()[0] as usize;
        let pixels = self.canvas.pixels();
        // A buffer that still holds the last picture needs only what changed.
        if buffer.age() != 1 {
            buffer.copy_from_slice(pixels);
        } else {
            for r in &rects {
                for y in r.top() as usize..r.bottom() as usize {
                    let row = y * stride + r.left() as usize..y * stride + r.right() as usize;
                    buffer[row.clone()].copy_from_slice(&pixels[row]);
                }
            }
        }
        let damage = rects.iter().filter_map(|r| {
            Some(Rect {
                x: r.left() as u32,
                y: r.top() as u32,
                width: NonZeroU32::new(r.width())?,
                height: NonZeroU32::new(r.height())?,
            })
        });
        let damage: Vec<Rect> = damage.collect();
        self.window.pre_present_notify();
        buffer.present_with_damage(&damage).map_err(draw)?;
        Ok(true)
    }
}

/// What a key means; what is held down counts once, so that the enter that started
/// the program does not begin the sitting.
fn key(event: &KeyEvent) -> Option<Key> {
    if event.state != ElementState::Pressed || event.repeat {
        return None;
    }
    match (&event.logical_key, event.physical_key) {
        (Typed::Named(NamedKey::Space | NamedKey::Enter), _) => Some(Key::Go),
        (Typed::Named(NamedKey::Escape), _) => Some(Key::Leave),
        (Typed::Character(c), _) if c.eq_ignore_ascii_case("r") => Some(Key::Redo),
        // Where the layout has no Latin letters.
        (_, PhysicalKey::Code(KeyCode::KeyR)) => Some(Key::Redo),
        _ => None,
    }
}

/// The monitor that lies where the display does.
fn find(events: &ActiveEventLoop, place: &Place) -> Option<MonitorHandle> {
    let mut monitors = events.available_monitors();
    #[cfg(target_os = "macos")]
    {
        use winit::platform::macos::MonitorHandleExtMacOS;
        monitors.find(|m| m.native_id() == place.native)
    }
    #[cfg(not(target_os = "macos"))]
    {
        let all: Vec<MonitorHandle> = monitors.by_ref().collect();
        let named = |m: &&MonitorHandle| m.name().is_some_and(|name| name == place.id);
        let there = |m: &&MonitorHandle| {
            let (position, size) = (m.position(), m.size());
            (position.x, position.y) == place.corner && (size.width, size.height) == place.size
        };
        all.iter()
            .find(named)
            .or_else(|| all.iter().find(there))
            .cloned()
    }
}

fn take_focus(window: &Window) {
    window.focus_window();
    #[cfg(all(unix, not(target_os = "macos")))]
    super::focus::take(window);
}

/// Errors of the desktop may have several lines.
fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
