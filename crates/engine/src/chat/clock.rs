//! `strftime` for the dates that templates write: UTC, English names.

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Year, month (from 1) and day (from 1) of a day counted from 1 January 1970.
fn civil(days: i64) -> (i64, usize, i64) {
    // Years are counted from March, so that a leap day ends its year; an era is 400 years of 146,097 days.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month as usize, day_of_month)
}

/// A moment, in seconds since 1970, by a format of `strftime`.
pub(super) fn format(now: i64, format: &str) -> Result<String, String> {
    let (days, seconds) = (now.div_euclid(86_400), now.rem_euclid(86_400));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let (year, month, day) = civil(days);
    let weekday = DAYS[(days + 3).rem_euclid(7) as usize];
    let twelve = (hour + 11) % 12 + 1;
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut directive = rest.next().unwrap_or('%');
        // `%-d`: without a leading zero.
        let bare = directive == '-';
        if bare {
            directive = rest.next().unwrap_or('-');
        }
        let number = |value: i64| if bare { value.to_string() } else { format!("{value:02}") };
        text.push_str(&match directive {
            'd' => number(day),
            'm' => number(month as i64),
            'y' => number(year.rem_euclid(100)),
            'H' => number(hour),
            'I' => number(twelve),
            'M' => number(minute),
            'S' => number(second),
            'Y' => year.to_string(),
            'B' => MONTHS[month - 1].to_owned(),
            'b' | 'h' => MONTHS[month - 1][..3].to_owned(),
            'A' => weekday.to_owned(),
            'a' => weekday[..3].to_owned(),
            'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'F' => format!("{year}-{month:02}-{day:02}"),
            'T' => format!("{hour:02}:{minute:02}:{second:02}"),
            'Z' => "UTC".to_owned(),
            '%' => "%".to_owned(),
            other => return Err(format!("`%{other}` is not supported")),
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let all = "%Y-%m-%d %H:%M:%S %A %a %B %b %y %-d %-m %I %p %F %T %% %Z";
        for (now, expected) in [
            (0, "1970-01-01 00:00:00 Thursday Thu January Jan 70 1 1 12 AM 1970-01-01 00:00:00 % UTC"),
            (
                951_825_599,
                "2000-02-29 11:59:59 Tuesday Tue February Feb 00 29 2 11 AM 2000-02-29 11:59:59 % UTC",
            ),
            (
                1_721_952_000,
                "2024-07-26 00:00:00 Friday Fri July Jul 24 26 7 12 AM 2024-07-26 00:00:00 % UTC",
            ),
            (-1, "1969-12-31 23:59:59 Wednesday Wed December Dec 69 31 12 11 PM 1969-12-31 23:59:59 % UTC"),
            (
                4_107_542_399,
                "2100-02-28 23:59:59 Sunday Sun February Feb 00 28 2 11 PM 2100-02-28 23:59:59 % UTC",
            ),
        ] {
            assert_eq!(format(now, all).unwrap(), expected);
        }
        assert_eq!(format(0, "%Q").unwrap_err(), "`%Q` is not supported");
    }
}
