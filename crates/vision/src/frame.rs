//! One picture as a camera or a file gave it: pixels, size, layout, time.
//!
//! A [`Frame`] owns its bytes and is reused: sources fill it in place
//! ([`Frame::reset`]), so a running daemon allocates none. Networks look at
//! small regions only, so the pixels stay in the camera's own layout and are
//! converted where they are looked at.

/// How the bytes of a [`Frame`] are laid out. All planes stand in one buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// R, G, B, one byte each, rows of `stride` bytes.
    Rgb8,
    /// B, G, R, A, one byte each, rows of `stride` bytes.
    Bgra8,
    /// Luma only, rows of `stride` bytes.
    Gray8,
    /// Y U Y V, two pixels in four bytes, rows of `stride` bytes (4:2:2).
    Yuyv,
    /// A luma plane with rows of `stride` bytes, then interleaved U V at half
    /// height with rows of `stride` bytes (4:2:0).
    Nv12,
    /// Luma with rows of `stride` bytes, then U, then V, each at half size with
    /// rows of `stride.div_ceil(2)` bytes (4:2:0).
    I420,
}

/// Which luma/chroma equations a YUV frame follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum YuvRange {
    /// Y 16–235, chroma 16–240 (video).
    #[default]
    Limited,
    /// 0–255 (JPEG).
    Full,
}

/// The largest side accepted, pixels. 8K UHD is 7680 wide.
pub const MAX_SIDE: u32 = 8192;

/// One picture. Origin top left, x right, y down, not mirrored.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Width in pixels, 1..=[`MAX_SIDE`].
    pub width: u32,
    /// Height in pixels, 1..=[`MAX_SIDE`].
    pub height: u32,
    /// Bytes from one row of the first plane to the next.
    pub stride: usize,
    /// Layout of `data`.
    pub format: PixelFormat,
    /// Range of the YUV formats; ignored by the others.
    pub range: YuvRange,
    /// The pixels; at least [`Frame::bytes_needed`] long.
    pub data: Vec<u8>,
    /// When the light fell in, monotonic nanoseconds.
    pub captured_ns: u64,
    /// Counts the source's frames from 0, dropped ones included.
    pub index: u64,
}

impl Default for Frame {
    fn default() -> Self {
        Frame {
            width: 0,
            height: 0,
            stride: 0,
            format: PixelFormat::Gray8,
            range: YuvRange::Limited,
            data: Vec::new(),
            captured_ns: 0,
            index: 0,
        }
    }
}

impl Frame {
    /// Gives the frame a new shape with tight rows and room for its pixels.
    /// Allocates only when it has never been this large. Contents are unspecified.
    pub fn reset(&mut self, width: u32, height: u32, format: PixelFormat) {
        let w = width as usize;
        self.width = width;
        self.height = height;
        self.format = format;
        self.stride = match format {
            PixelFormat::Rgb8 => w * 3,
            PixelFormat::Bgra8 => w * 4,
            PixelFormat::Gray8 => w,
            PixelFormat::Yuyv => w.div_ceil(2) * 4,
            PixelFormat::Nv12 => w.div_ceil(2) * 2,
            PixelFormat::I420 => w,
        };
        self.data.resize(self.bytes_needed(), 0);
    }

    /// Becomes a copy of another frame. Allocates only when it has never been as large.
    pub fn copy_from(&mut self, other: &Frame) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        data.extend_from_slice(&other.data);
        *self = Frame { data, ..*other };
    }

    /// How many bytes this shape, stride and format need.
    pub fn bytes_needed(&self) -> usize {
        let (h, half) = (self.height as usize, (self.height as usize).div_ceil(2));
        match self.format {
            PixelFormat::Rgb8 | PixelFormat::Bgra8 | PixelFormat::Gray8 | PixelFormat::Yuyv => {
                self.stride * h
            }
            PixelFormat::Nv12 => self.stride * (h + half),
            PixelFormat::I420 => self.stride * h + 2 * self.stride.div_ceil(2) * half,
        }
    }

    /// Whether the shape is one we accept and the buffer holds all its pixels.
    pub fn is_sound(&self) -> bool {
        let tight = match self.format {
            PixelFormat::Rgb8 => self.width as usize * 3,
            PixelFormat::Bgra8 => self.width as usize * 4,
            PixelFormat::Yuyv => (self.width as usize).div_ceil(2) * 4,
            PixelFormat::Nv12 => (self.width as usize).div_ceil(2) * 2,
            PixelFormat::Gray8 | PixelFormat::I420 => self.width as usize,
        };
        (1..=MAX_SIDE).contains(&self.width)
            && (1..=MAX_SIDE).contains(&self.height)
            && self.stride >= tight
            && self.data.len() >= self.bytes_needed()
    }
}
