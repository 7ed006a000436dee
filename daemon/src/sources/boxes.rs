//! Boxes of an MP4 file, read from bytes that may hold anything.

use super::error::Flaw;

/// A run of bytes read from the front. Short reads are damage.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Flaw> {
        if n > self.0.len() {
            return Err(Flaw::damaged(
                "its header contradicts itself (a box is too short)",
            ));
        }
        let (a, b) = self.0.split_at(n);
        self.0 = b;
        Ok(a)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut a = [0; N];
        a.copy_from_slice(self.take(N)?);
        Ok(a)
    }

    pub fn u16(&mut self) -> Result<u16, Flaw> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32, Flaw> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Flaw> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// The version byte of a full box; its flags are skipped.
    pub fn version(&mut self) -> Result<u8, Flaw> {
        Ok(self.take(4)?[0])
    }

    /// The count of a table whose entries take `entry` bytes each; all must be there.
    pub fn count(&mut self, entry: usize) -> Result<usize, Flaw> {
        let n = self.u32()? as usize;
        if n > self.0.len() / entry {
            return Err(Flaw::damaged(
                "its header contradicts itself (a table is too short)",
            ));
        }
        Ok(n)
    }

    /// The next box inside: its type and contents. `None` at the end.
    pub fn next_box(&mut self) -> Result<Option<([u8; 4], Bytes<'a>)>, Flaw> {
        // QuickTime ends some containers with four zero bytes.
        if self.0.len() < 8 {
            return Ok(None);
        }
        let size = self.u32()? as usize;
        let kind = self.array()?;
        let body = match size {
            0 => self.0.len(),
            1 => usize::try_from(self.u64()?)
                .ok()
                .and_then(|n| n.checked_sub(16))
                .unwrap_or(usize::MAX),
            n => n.checked_sub(8).unwrap_or(usize::MAX),
        };
        Ok(Some((kind, Bytes(self.take(body)?))))
    }

    /// The first box of type `kind` inside.
    pub fn find(mut self, kind: &[u8; 4]) -> Result<Option<Bytes<'a>>, Flaw> {
        while let Some((k, body)) = self.next_box()? {
            if &k == kind {
                return Ok(Some(body));
            }
        }
        Ok(None)
    }

    pub fn need(self, kind: &[u8; 4]) -> Result<Bytes<'a>, Flaw> {
        self.find(kind)?.ok_or_else(|| {
            Flaw::damaged(format!(
                "its header lacks the box {}",
                String::from_utf8_lossy(kind)
            ))
        })
    }
}
