//! UTC as names and lines have it, without a calendar library.

/// `2026-11-21_16-48-49.123Z`, from nanoseconds since 1970. In names: sorts by time, and no
/// file system minds it.
pub fn in_names(unix_ns: u64) -> String {
    let (days, ms) = (unix_ns / DAY_NS, unix_ns % DAY_NS / 1_000_000);
    let (y, m, d) = date(days);
    let (s, ms) = (ms / 1000, ms % 1000);
    let (h, min, s) = (s / 3600, s / 60 % 60, s % 60);
    format!("{y:04}-{m:02}-{d:02}_{h:02}-{min:02}-{s:02}.{ms:03}Z")
}

/// `2026-11-21T16:48:49.123Z` (ISO 8601).
pub fn iso(unix_ns: u64) -> String {
    let name = in_names(unix_ns);
    let (date, time) = name.split_once('_').unwrap_or((&name, ""));
    format!("{date}T{}", time.replace('-', ":"))
}

/// Nanoseconds since 1970 of a time as [`in_names`] writes it; `None` for anything else.
pub fn from_name(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-dd_dd-dd-dd.dddZ";
    let alike = |(b, s): (&u8, &u8)| {
        if *s == b'd' {
            b.is_ascii_digit()
        } else {
            b == s
        }
    };
    if bytes.len() != shape.len() || !bytes.iter().zip(shape).all(alike) {
        return None;
    }
    let n = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
    let (y, m, d) = (n(0, 4)?, n(5, 7)?, n(8, 10)?);
    let (h, min, s, ms) = (n(11, 13)?, n(14, 16)?, n(17, 19)?, n(20, 23)?);
    if y < 1970 || !(1..=12).contains(&m) || !(1..=31).contains(&d) || h > 23 || min > 59 || s > 60
    {
        return None;
    }
    let seconds = ((days_before(y, m, d) * 24 + h) * 60 + min) * 60 + s;
    Some(seconds * 1_000_000_000 + ms * 1_000_000)
}

const DAY_NS: u64 = 86_400_000_000_000;

/// Days from 1970-01-01 to a date of the Gregorian calendar: years begin in March, so that
/// the leap day is their last.
fn days_before(y: u64, m: u64, d: u64) -> u64 {
    let (y, m) = if m <= 2 { (y - 1, m + 9) } else { (y, m - 3) };
    let (era, of_era) = (y / 400, y % 400);
    let of_year = (153 * m + 2) / 5 + d - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let m = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(m <= 2), m, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_time_there_and_back() {
        // As `date -u -d @…` prints them.
        for (unix_s, name) in [
            (0, "1970-01-01_00-00-00.000Z"),
            (951_782_399, "2000-02-28_23-59-59.000Z"),
            (951_782_400, "2000-02-29_00-00-00.000Z"),
            (951_868_800, "2000-03-01_00-00-00.000Z"),
            (1_795_279_729, "2026-11-21_16-48-49.000Z"),
            (4_107_542_400, "2100-03-01_00-00-00.000Z"),
        ] {
            let ns = unix_s * 1_000_000_000;
            assert_eq!(in_names(ns), name);
            assert_eq!(from_name(name), Some(ns));
            assert_eq!(from_name(&in_names(ns + 7_000_000)), Some(ns + 7_000_000));
        }
        assert_eq!(iso(1_795_279_729_500_000_000), "2026-11-21T16:48:49.500Z");
        for other in [
            "",
            "2026-11-21",
            "2026-13-21_16-48-49.000Z",
            "2026-11-21 16-48-49.000Z",
        ] {
            assert_eq!(from_name(other), None, "{other}");
        }
    }
}
