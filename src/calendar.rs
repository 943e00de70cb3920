//! Days of the Gregorian calendar as numbers.

/// Days from 1970-01-01 to a day, counted in years that begin in March; none where month or day cannot be. That a month
/// has the day is not looked at: the 31st of February is the day after its 30th.
#[must_use]
pub fn days_since_1970(year: i64, month: u8, day: u8) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_years_are_those_of_gregory() {
        for (date, days) in [
            ((1970, 1, 1), Some(0)),
            ((1969, 12, 31), Some(-1)),
            ((2000, 2, 29), Some(11_016)),
            ((2000, 3, 1), Some(11_017)),
            ((2100, 2, 28), Some(47_540)),
            ((2100, 3, 1), Some(47_541)),
            ((4096, 1, 1), Some(776_506)),
            ((2026, 0, 1), None),
            ((2026, 13, 1), None),
            ((2026, 1, 0), None),
            ((2026, 1, 32), None),
        ] {
            assert_eq!(days_since_1970(date.0, date.1, date.2), days, "{date:?}");
        }
    }
}
