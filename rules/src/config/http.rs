//! URLs of HTTP.

/// The host that is asked, if the URL is one of HTTP and plain enough to be asked as it stands.
pub fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let place = rest.split(['/', '?', '#']).next()?;
    let host = match place.strip_prefix('[') {
        Some(address) => address.split_once(']')?.0,
        None => place.split_once(':').map_or(place, |(host, _)| host),
    };
    let plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    (!host.is_empty() && url.chars().all(plain)).then_some(host)
}

/// Whether the URL names a user.
pub fn has_user(url: &str) -> bool {
    let place = url.split_once("//").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    place.contains('@')
}
