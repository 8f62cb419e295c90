//! Our tree and proofs beside those of the `tlog_tiles` crate, which shares no code with ours.

use solent::audit::merkle::{
    NodeSource as _, Tree, consistency_proof, inclusion_proof, leaf_hash, root, verify_consistency, verify_inclusion,
};
use solent::audit::tile::{TileKind, TileNodes, decode_hashes, hash_tiles};
use solent::audit::{Frontier, Hash};
use std::collections::BTreeMap;
use tlog_tiles::tlog;

/// The other implementation's storage: all hashes in its own order.
#[derive(Default)]
struct Stored(Vec<tlog::Hash>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|i| self.0[usize::try_from(*i).unwrap()]).collect())
    }
}

impl Stored {
    fn append(&mut self, n: u64, leaf: Hash) {
        let more = tlog::stored_hashes_for_record_hash(n, tlog::Hash(leaf.0), self).unwrap();
        self.0.extend(more);
    }
}

fn leaf(n: u64) -> Hash {
    leaf_hash(format!("entry {n}").as_bytes())
}

fn ours(hashes: Vec<tlog::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|h| Hash(h.0)).collect()
}

#[test]
fn roots_and_proofs_agree_at_every_size_up_to_300() {
    let (mut tree, mut frontier, mut other) = (Tree::default(), Frontier::new(), Stored::default());
    for size in 1..=300_u64 {
        tree.append(leaf(size - 1));
        frontier.append(leaf(size - 1));
        other.append(size - 1, leaf(size - 1));
        let whole = Hash(tlog::tree_hash(size, &other).unwrap().0);
        assert_eq!((tree.root(), frontier.root()), (whole, whole), "size {size}");
        // Every index of the small trees, and of the larger ones those around the edges of subtrees.
        for index in (0..size).filter(|i| size <= 70 || i % 37 == 0 || size - i <= 2 || (i + 1).is_power_of_two()) {
            let proof = inclusion_proof(&tree, index, size).unwrap();
            assert_eq!(proof, ours(tlog::prove_record(size, index, &other).unwrap()), "{index} in {size}");
            assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &whole), Ok(()));
            let first = index + 1;
            let proof = consistency_proof(&tree, first, size).unwrap();
            assert_eq!(proof, ours(tlog::prove_tree(size, first, &other).unwrap()), "{first} to {size}");
            assert_eq!(verify_consistency(first, &root(&tree, first).unwrap(), size, &whole, &proof), Ok(()));
        }
    }
}

#[test]
fn roots_proofs_and_tiles_agree_around_65_536() {
    let (mut tree, mut frontier, mut other) = (Tree::default(), Frontier::new(), Stored::default());
    for n in 0..65_537_u64 {
        tree.append(leaf(n));
        frontier.append(leaf(n));
        other.append(n, leaf(n));
        let size = n + 1;
        if size < 65_535 {
            continue;
        }
        let whole = Hash(tlog::tree_hash(size, &other).unwrap().0);
        assert_eq!((tree.root(), frontier.root()), (whole, whole));
        let mut tiles = BTreeMap::new();
        for tile in hash_tiles(size) {
            let TileKind::Hashes(level) = tile.kind else { panic!() };
            let theirs = tlog_tiles::Tile::new(8, level, tile.index, u32::from(tile.width), false);
            assert_eq!(theirs.path().replacen("tile/8/", "tile/", 1), tile.to_string());
            let hashes = decode_hashes(&theirs.read_data(&other).unwrap(), tile.width).unwrap();
            for (i, hash) in hashes.iter().enumerate() {
                assert_eq!(tree.node(u32::from(level) * 8, tile.start() + i as u64), Ok(*hash));
            }
            tiles.insert(tile, hashes);
        }
        for index in [0, 1, 255, 256, 257, 32_767, 32_768, 65_279, 65_280, 65_534, size - 1] {
            let proof = inclusion_proof(&tree, index, size).unwrap();
            assert_eq!(proof, ours(tlog::prove_record(size, index, &other).unwrap()));
            assert_eq!(inclusion_proof(&TileNodes::new(&tiles, size), index, size).unwrap(), proof, "from tiles");
            let proof = consistency_proof(&tree, index + 1, size).unwrap();
            assert_eq!(proof, ours(tlog::prove_tree(size, index + 1, &other).unwrap()));
            assert_eq!(consistency_proof(&TileNodes::new(&tiles, size), index + 1, size).unwrap(), proof, "from tiles");
        }
    }
}
