//! Lists of hosts: `/etc/dsh/group/GROUP` and what `WCOLL` names (pdsh(1), dsh(1)).
//!
//! Each line has hosts, with commas or blanks between; a `#` begins a comment. `USER@HOST` says as whom, and `ssh:` before
//! it is what we do anyway. The file is a group by its own name, and `#include GROUP` puts another one into it.

use super::gathered::Gathered;
use super::groups::Members;
use super::items;
use super::machines::Reach;

pub(super) fn read(gathered: &mut Gathered, text: &str) {
    let mut members = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let place = gathered.place(line);
        if let Some(included) = text.strip_prefix("#include ") {
            let included = included.trim();
            if included.contains('/') {
                gathered.note(&place, text, "files are not included here: give it to the import too");
            } else {
                members.push(format!("@{included}"));
            }
            continue;
        }
        let hosts = text.split('#').next().unwrap_or_default();
        for host in items(hosts) {
            let login = host.strip_prefix("ssh:").unwrap_or(host);
            let (user, names) =
                login.split_once('@').map_or((None, login), |(user, names)| (Some(user.to_owned()), names));
            if let Some(set) = gathered.names(&place, names) {
                gathered.machines(&place, set, Reach { user, ..Reach::default() });
                members.push(names.to_owned());
            }
        }
    }
    let name = gathered.file().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let place = gathered.place(1);
    gathered.group(Members { source: None, name, expression: members.join(","), place });
}
