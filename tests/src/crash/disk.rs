//! A folder as a file system keeps it: what programs see, and what outlasts a loss of power.
//!
//! The content of a file is safe once the file was synced, and a name once its folder was. What was changed since
//! may be on the disk or not: each file's content apart from the others', and each name apart from the others', but for
//! two changes of the same name, which come in order. A rename, from one folder to another as well, is one
//! change: it is safe once either folder was synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::Call;

/// Files and folders by path, the folder itself left out.
pub type Tree = BTreeMap<String, Entry>;

/// What lies at a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A file: its content, and its permissions.
    File(Arc<Vec<u8>>, u32),
}

/// A folder on a disk.
#[derive(Clone)]
pub struct Disk {
    /// Files and folders, by number; the folder itself comes first.
    nodes: Vec<Node>,
    /// Changes of names that are not safe yet, in the order in which they were made.
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Node {
    File { now: Arc<Vec<u8>>, safe: Arc<Vec<u8>>, mode: u32 },
    Folder { now: Names, safe: Names },
}

type Names = BTreeMap<String, usize>;

/// Names in folders, and what they stand for from now on.
#[derive(Clone)]
struct Change(Vec<(usize, String, Option<usize>)>);

impl Change {
    fn touches(&self, other: &Self) -> bool {
        self.0.iter().any(|(folder, name, _)| other.0.iter().any(|(f, n, _)| (f, n) == (folder, name)))
    }
}

impl Disk {
    /// A disk with everything in it safe.
    pub fn new(tree: &Tree) -> Self {
        let root = Node::Folder { now: Names::new(), safe: Names::new() };
        let mut disk = Self { nodes: vec![root], pending: Vec::new() };
        for (path, entry) in tree {
            match entry {
                Entry::Folder => disk.apply(&Call::MakeFolder(path.clone())),
                Entry::File(bytes, mode) => {
                    disk.apply(&Call::Create(path.clone(), *mode));
                    disk.apply(&Call::Write(path.clone(), 0, bytes.to_vec()));
                    disk.apply(&Call::Sync(path.clone()));
                }
            }
        }
        for folder in 0..disk.nodes.len() {
            disk.sync(folder);
        }
        disk
    }

    /// What a call does.
    ///
    /// # Panics
    /// If it cannot be: a call before it was missed.
    pub fn apply(&mut self, call: &Call) {
        match call {
            Call::Nothing => {}
            Call::Create(path, mode) => {
                let file = Node::File { now: Arc::default(), safe: Arc::default(), mode: *mode };
                self.add(path, file);
            }
            Call::MakeFolder(path) => self.add(path, Node::Folder { now: Names::new(), safe: Names::new() }),
            Call::Write(path, offset, bytes) => {
                let now = self.content(path);
                let end = offset + bytes.len();
                now.resize(now.len().max(end), 0);
                now[*offset..end].copy_from_slice(bytes);
            }
            Call::Truncate(path, length) => self.content(path).resize(*length, 0),
            Call::Sync(path) => {
                let node = self.find(path);
                self.sync(node);
            }
            Call::Remove(path) => {
                let (folder, name) = self.place(path);
                self.change(vec![(folder, name, None)]);
            }
            Call::Rename(from, to) => {
                let (node, (folder, name), (to, new_name)) = (self.find(from), self.place(from), self.place(to));
                self.change(vec![(folder, name, None), (to, new_name, Some(node))]);
            }
            Call::Link(from, to) => {
                let (node, (folder, name)) = (self.find(from), self.place(to));
                self.change(vec![(folder, name, Some(node))]);
            }
        }
    }

    /// What programs see.
    pub fn now(&self) -> Tree {
        self.tree(&|node| self.names(node, true), true)
    }

    /// What a loss of power may leave: without the contents that are not safe, and with them; each with no
    /// change of names that is not safe, with the first of them, the first two, and so on, and with all but one.
    pub fn after_loss(&self) -> BTreeSet<Tree> {
        let count = self.pending.len();
        let first = (0..=count).map(|end| (0..end).collect::<Vec<usize>>());
        let but_one = (0..count).map(|lost| self.without(lost));
        let mut trees = BTreeSet::new();
        for kept in first.chain(but_one) {
            let mut disk = self.clone();
            for change in kept {
                disk.keep(&self.pending[change]);
            }
            for with_content in [false, true] {
                trees.insert(disk.tree(&|node| disk.names(node, false), with_content));
            }
        }
        trees
    }

    /// The worst that a loss of power may leave: no change of names that is not safe, and contents that are not safe
    /// neither, or all the same.
    pub fn after_worst_loss(&self) -> [Tree; 2] {
        [false, true].map(|with_content| self.tree(&|node| self.names(node, false), with_content))
    }

    /// Every change that does not need the one that is lost.
    fn without(&self, lost: usize) -> Vec<usize> {
        let mut gone = vec![lost];
        for later in lost + 1..self.pending.len() {
            if gone.iter().any(|&gone| self.pending[gone].touches(&self.pending[later])) {
                gone.push(later);
            }
        }
        (0..self.pending.len()).filter(|change| !gone.contains(change)).collect()
    }

    fn sync(&mut self, node: usize) {
        if let Node::File { now, safe, .. } = &mut self.nodes[node] {
            *safe = Arc::clone(now);
            return;
        }
        let mut chosen: Vec<usize> = Vec::new();
        for (index, change) in self.pending.iter().enumerate().rev() {
            let here = change.0.iter().any(|(folder, ..)| *folder == node);
            if here || chosen.iter().any(|&later| self.pending[later].touches(change)) {
                chosen.push(index);
            }
        }
        for &index in chosen.iter().rev() {
            let change = self.pending[index].clone();
            self.keep(&change);
        }
        let mut index = 0;
        self.pending.retain(|_| (!chosen.contains(&index), index += 1).0);
    }

    /// Makes a change of names safe.
    fn keep(&mut self, change: &Change) {
        for (folder, name, node) in &change.0 {
            let Node::Folder { safe, .. } = &mut self.nodes[*folder] else { panic!("{name}: in no folder") };
            match node {
                Some(node) => safe.insert(name.clone(), *node),
                None => safe.remove(name),
            };
        }
    }

    fn add(&mut self, path: &str, node: Node) {
        let (folder, name) = self.place(path);
        self.nodes.push(node);
        self.change(vec![(folder, name, Some(self.nodes.len() - 1))]);
    }

    fn change(&mut self, edits: Vec<(usize, String, Option<usize>)>) {
        for (folder, name, node) in &edits {
            let Node::Folder { now, .. } = &mut self.nodes[*folder] else { panic!("{name}: in no folder") };
            match node {
                Some(node) => now.insert(name.clone(), *node),
                None => now.remove(name),
            };
        }
        self.pending.push(Change(edits));
    }

    fn content(&mut self, path: &str) -> &mut Vec<u8> {
        let node = self.find(path);
        match &mut self.nodes[node] {
            Node::File { now, .. } => Arc::make_mut(now),
            Node::Folder { .. } => panic!("{path} is a folder"),
        }
    }

    /// The folder that a path is in, and its name there.
    fn place(&self, path: &str) -> (usize, String) {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        (self.find(folder), name.to_owned())
    }

    fn find(&self, path: &str) -> usize {
        let steps = path.split('/').filter(|name| *name != ".");
        steps.fold(0, |folder, name| {
            let found = self.names(folder, true).get(name);
            *found.unwrap_or_else(|| panic!("{path} is not there"))
        })
    }

    fn names(&self, node: usize, seen: bool) -> &Names {
        match &self.nodes[node] {
            Node::Folder { now, .. } if seen => now,
            Node::Folder { safe, .. } => safe,
            Node::File { .. } => panic!("a file has no names in it"),
        }
    }

    fn tree<'a>(&'a self, names: &dyn Fn(usize) -> &'a Names, with_content: bool) -> Tree {
        let mut tree = Tree::new();
        let mut folders = vec![(String::new(), 0)];
        while let Some((prefix, folder)) = folders.pop() {
            for (name, &node) in names(folder) {
                let path = format!("{prefix}{name}");
                let entry = match &self.nodes[node] {
                    Node::File { now, safe, mode } => Entry::File(if with_content { now } else { safe }.clone(), *mode),
                    Node::Folder { .. } => {
                        folders.push((format!("{path}/"), node));
                        Entry::Folder
                    }
                };
                tree.insert(path, entry);
            }
        }
        tree
    }
}

/// What lies in a folder.
pub fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder is listed") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below").display().to_string();
            let mode = path.metadata().expect("metadata").permissions().mode() & 0o7777;
            let entry = match path.is_dir() {
                true => Entry::Folder,
                false => Entry::File(Arc::new(fs::read(&path).expect("a file is read")), mode),
            };
            if entry == Entry::Folder {
                folders.push(path);
            }
            tree.insert(name, entry);
        }
    }
    tree
}

/// Makes an empty folder hold just this.
pub fn write(tree: &Tree, root: &Path) {
    for (name, entry) in tree {
        let path = root.join(name);
        match entry {
            Entry::Folder => fs::create_dir(path).expect("a folder is made"),
            Entry::File(bytes, mode) => {
                fs::write(&path, bytes.as_slice()).expect("a file is written");
                fs::set_permissions(path, fs::Permissions::from_mode(*mode)).expect("permissions are set");
            }
        }
    }
}
