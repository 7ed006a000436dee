//! An X display as those before it use it: its picture, its dot, its keys.

use std::time::{Duration, Instant};

use gaze_calib::window::style::DOT_CENTRE;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// The colour of the middle of the calibration's dot, which nothing else on the screen has.
pub const DOT: [u8; 3] = [DOT_CENTRE.0, DOT_CENTRE.1, DOT_CENTRE.2];
/// Fewer pixels of that colour are no dot.
const LEAST: usize = 4;

/// Trouble with the X server, as a line.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A picture of the whole screen: blue, green, red and one more byte a pixel.
#[derive(Debug, Clone, Default)]
pub struct Shot {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Row by row from the top left.
    pub bgrx: Vec<u8>,
}

impl Shot {
    /// The middle of the pixels of the colour [`DOT`], normalised.
    pub fn dot(&self) -> Option<[f64; 2]> {
        let wanted = [DOT[2], DOT[1], DOT[0]];
        let (mut n, mut x, mut y) = (0usize, 0usize, 0usize);
        for (i, p) in self.bgrx.chunks_exact(4).enumerate() {
            if p[..3] == wanted {
                n += 1;
                x += i % self.width;
                y += i / self.width;
            }
        }
        let middle = |sum: usize, side: usize| (sum as f64 / n as f64 + 0.5) / side as f64;
        (n >= LEAST).then(|| [middle(x, self.width), middle(y, self.height)])
    }

    /// Means of 32×20 fields, to tell pages apart.
    pub fn thumbnail(&self) -> Vec<u8> {
        let mut sums = vec![(0u32, 0u32); 32 * 20];
        for y in (0..self.height).step_by(4) {
            for x in (0..self.width).step_by(4) {
                let field = &mut sums[y * 20 / self.height * 32 + x * 32 / self.width];
                field.0 += u32::from(self.bgrx[(y * self.width + x) * 4 + 1]);
                field.1 += 1;
            }
        }
        let mean = |&(sum, n): &(u32, u32)| (sum / n.max(1)) as u8;
        sums.iter().map(mean).collect()
    }

    /// Red, green, blue, row by row.
    pub fn rgb(&self) -> Vec<u8> {
        (self.bgrx.chunks_exact(4))
            .flat_map(|p| [p[2], p[1], p[0]])
            .collect()
    }
}

/// A connection to an X server of 24 bits a pixel.
pub struct XScreen {
    x: RustConnection,
    root: u32,
    /// Pixels across and down.
    pub size_px: [u16; 2],
    /// What the server says of its size, millimetres.
    pub size_mm: [u16; 2],
    window: Option<(u32, u32)>,
}

impl XScreen {
    /// Connects to `display` (`:7`), or to `DISPLAY`.
    pub fn open(display: Option<&str>) -> Result<XScreen, Error> {
        let (x, number) = x11rb::connect(display)?;
        let screen = &x.setup().roots[number];
        if screen.root_depth != 24 {
            return Err(format!("the X screen has a depth of {}", screen.root_depth).into());
        }
        Ok(XScreen {
            root: screen.root,
            size_px: [screen.width_in_pixels, screen.height_in_pixels],
            size_mm: [screen.width_in_millimeters, screen.height_in_millimeters],
            window: None,
            x,
        })
    }

    /// What the whole screen shows.
    pub fn shot(&self) -> Result<Shot, Error> {
        let [w, h] = self.size_px;
        let image = (self.x)
            .get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, w, h, !0)?
            .reply()?;
        let (width, height) = (usize::from(w), usize::from(h));
        if image.data.len() < width * height * 4 {
            return Err("the X server gives no 32 bits a pixel".into());
        }
        Ok(Shot {
            width,
            height,
            bgrx: image.data,
        })
    }

    /// Presses and releases the key of this keysym (`0x20` space, `0xff1b` escape, letters by
    /// their lower-case code).
    pub fn press(&self, keysym: u32) -> Result<(), Error> {
        let setup = self.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = (self.x)
            .get_keyboard_mapping(first, last - first + 1)?
            .reply()?;
        let each = usize::from(map.keysyms_per_keycode.max(1));
        let at = (map.keysyms.chunks(each)).position(|k| k.first() == Some(&keysym));
        let code = first + u8::try_from(at.ok_or("the keyboard has no such key")?)?;
        for event in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            (self.x)
                .xtest_fake_input(event, code, 0, self.root, 0, 0, 0)?
                .check()?;
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// Moves and sizes the topmost window that covers most of the screen, as a window manager
    /// would: its corner, its width and height.
    pub fn place_window(&self, [x, y]: [i32; 2], [w, h]: [u32; 2]) -> Result<(), Error> {
        use x11rb::protocol::xproto::{ConfigureWindowAux, MapState};
        let windows = self.x.query_tree(self.root)?.reply()?.children;
        for window in windows.into_iter().rev() {
            let seen = self.x.get_window_attributes(window)?.reply()?.map_state;
            let size = self.x.get_geometry(window)?.reply()?;
            if seen == MapState::VIEWABLE && 2 * size.width > self.size_px[0] {
                let to = ConfigureWindowAux::new().x(x).y(y).width(w).height(h);
                self.x.configure_window(window, &to)?.check()?;
                return Ok(());
            }
        }
        Err("no window covers the screen".into())
    }

    /// Covers the screen and shows a dot there (normalised), as the calibration does.
    pub fn show_dot(&mut self, at: [f64; 2]) -> Result<(), Error> {
        use x11rb::protocol::xproto::{
            ChangeGCAux, CreateGCAux, CreateWindowAux, Rectangle, WindowClass,
        };
        let [w, h] = self.size_px;
        let (window, gc) = match self.window {
            Some(both) => both,
            None => {
                let (window, gc) = (self.x.generate_id()?, self.x.generate_id()?);
                let look = CreateWindowAux::new()
                    .override_redirect(1)
                    .background_pixel(0x00_1a_1f_29);
                let class = WindowClass::INPUT_OUTPUT;
                (self.x)
                    .create_window(0, window, self.root, 0, 0, w, h, 0, class, 0, &look)?
                    .check()?;
                (self.x)
                    .create_gc(gc, window, &CreateGCAux::new())?
                    .check()?;
                self.x.map_window(window)?.check()?;
                self.window = Some((window, gc));
                (window, gc)
            }
        };
        self.x.clear_area(false, window, 0, 0, w, h)?;
        let [r, g, b] = DOT.map(u32::from);
        let colour = ChangeGCAux::new().foreground(r << 16 | g << 8 | b);
        self.x.change_gc(gc, &colour)?;
        let corner = |side: u16, v: f64| (v * f64::from(side) - 4.5).round() as i16;
        let dot = Rectangle {
            x: corner(w, at[0]),
            y: corner(h, at[1]),
            width: 9,
            height: 9,
        };
        self.x.poly_fill_rectangle(window, gc, &[dot])?.check()?;
        Ok(())
    }

    /// Takes away what [`show_dot`](Self::show_dot) put there.
    pub fn hide_dot(&mut self) -> Result<(), Error> {
        if let Some((window, _)) = self.window.take() {
            self.x.destroy_window(window)?.check()?;
        }
        Ok(())
    }

    /// Waits until the screen shows something that `wanted` accepts.
    pub fn until(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&Shot) -> bool,
    ) -> Result<Shot, Error> {
        let until = Instant::now() + limit;
        loop {
            let shot = self.shot()?;
            if wanted(&shot) {
                return Ok(shot);
            }
            if Instant::now() > until {
                return Err("the screen did not come to show it".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
