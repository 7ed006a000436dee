//! As much of protobuf's wire format as an ONNX file needs to be read and written anew:
//! fields are seen in place and copied whole unless they are changed.

/// A file ends in the middle of a field, or is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// A field of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub number: u64,
    pub value: Value<'a>,
    /// The field as it stands, its key included.
    pub whole: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of 32 or 64 bits.
    Fixed,
}

impl<'a> Field<'a> {
    pub fn bytes(&self) -> Result<&'a [u8], Broken> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Broken),
        }
    }

    pub fn text(&self) -> Result<&'a str, Broken> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Broken)
    }

    /// A number, or the numbers packed into one field.
    pub fn numbers(&self, to: &mut Vec<u64>) -> Result<(), Broken> {
        match self.value {
            Value::Varint(v) => to.push(v),
            Value::Bytes(mut rest) => {
                while !rest.is_empty() {
                    to.push(varint(&mut rest)?);
                }
            }
            Value::Fixed => return Err(Broken),
        }
        Ok(())
    }
}

/// All fields of a message, in their order.
pub(super) fn fields(mut rest: &[u8]) -> Result<Vec<Field<'_>>, Broken> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let begin = rest;
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut rest)?),
            1 => take(&mut rest, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).map_err(|_| Broken)?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => take(&mut rest, 4).map(|_| Value::Fixed)?,
            _ => return Err(Broken),
        };
        found.push(Field {
            number: key >> 3,
            value,
            whole: &begin[..begin.len() - rest.len()],
        });
    }
    Ok(found)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Broken> {
    let (taken, after) = rest.split_at_checked(length).ok_or(Broken)?;
    *rest = after;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Broken> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = *take(rest, 1)? else {
            return Err(Broken);
        };
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Broken)
}

fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

pub(super) fn put_number(to: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(to, number << 3);
    put_varint(to, value);
}

pub(super) fn put_bytes(to: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(to, number << 3 | 2);
    put_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}
