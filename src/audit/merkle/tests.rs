//! The vectors of the audit paper §7 and the negative tests of §5.

use super::*;

/// The eight leaves of the Certificate Transparency reference tests (audit paper §7).
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(text: &str) -> Hash {
    Hash::from_hex(text).unwrap()
}
fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts.iter().map(|t| hash(t)).collect()
}
fn paper_tree() -> Tree {
    Tree::new(LEAVES.iter().map(|l| leaf_hash(l)).collect())
}

#[test]
fn roots_of_the_paper_at_every_size() {
    let tree = paper_tree();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), hash(ROOTS[0]));
    for (i, leaf) in LEAVES.iter().enumerate() {
        frontier.append(leaf_hash(leaf));
        assert_eq!(frontier.root(), hash(ROOTS[i + 1]));
        assert_eq!(root(&tree, i as u64 + 1), Ok(hash(ROOTS[i + 1])));
    }
    assert_eq!(root(&tree, 9), Err(MerkleError::Missing { level: 0, position: 8 }));
}

#[test]
fn inclusion_proofs_of_the_paper() {
    let tree = paper_tree();
    let cases: [(u64, u64, &[&str]); 4] = [
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (0, 1, &[]),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (index, size, expected) in cases {
        assert_eq!(inclusion_proof(&tree, index, size), Ok(hashes(expected)), "{index} in {size}");
    }
    assert_eq!(inclusion_proof(&tree, 8, 8), Err(MerkleError::Index { index: 8, size: 8 }));
}

#[test]
fn consistency_proofs_of_the_paper() {
    let tree = paper_tree();
    let cases: [(u64, u64, &[&str]); 5] = [
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (4, 8, &["6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (
            3,
            7,
            &[
                "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
                "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            ],
        ),
    ];
    for (first, second, expected) in cases {
        assert_eq!(consistency_proof(&tree, first, second), Ok(hashes(expected)), "{first} to {second}");
    }
    assert_eq!(consistency_proof(&tree, 3, 2), Err(MerkleError::Sizes { first: 3, second: 2 }));
}

#[test]
fn every_inclusion_proof_verifies_and_every_flaw_in_it_is_found() {
    let tree = paper_tree();
    for size in 1..=8_u64 {
        let whole = hash(ROOTS[usize::try_from(size).unwrap()]);
        for index in 0..size {
            let leaf = leaf_hash(LEAVES[usize::try_from(index).unwrap()]);
            let proof = inclusion_proof(&tree, index, size).unwrap();
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &whole), Ok(()));
            for at in 0..proof.len() {
                for byte in [0, 31] {
                    let mut bad = proof.clone();
                    bad[at].0[byte] ^= 1;
                    assert_eq!(verify_inclusion(&leaf, index, size, &bad, &whole), Err(ProofError::Root));
                }
                let short: Vec<Hash> = proof.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, h)| *h).collect();
                assert!(verify_inclusion(&leaf, index, size, &short, &whole).is_err());
            }
            let mut long = proof.clone();
            long.push(leaf);
            assert_eq!(verify_inclusion(&leaf, index, size, &long, &whole), Err(ProofError::Length));
            assert_eq!(verify_inclusion(&leaf, size, size, &proof, &whole), Err(ProofError::Range));
            assert!(verify_inclusion(&leaf, index, size, &proof, &leaf_hash(b"other")).is_err());
            assert!(verify_inclusion(&leaf_hash(b"other"), index, size, &proof, &whole).is_err());
        }
    }
}

#[test]
fn every_consistency_proof_verifies_and_every_flaw_in_it_is_found() {
    let tree = paper_tree();
    for second in 1..=8_u64 {
        for first in 0..=second {
            let old = hash(ROOTS[usize::try_from(first).unwrap()]);
            let new = hash(ROOTS[usize::try_from(second).unwrap()]);
            let proof = consistency_proof(&tree, first, second).unwrap();
            assert_eq!(verify_consistency(first, &old, second, &new, &proof), Ok(()), "{first} to {second}");
            if first > 0 && first < second {
                assert!(verify_consistency(first, &new, second, &old, &proof).is_err(), "swapped roots");
                assert!(verify_consistency(first, &old, second, &new, &[]).is_err());
            }
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at].0[7] ^= 0x80;
                assert_eq!(verify_consistency(first, &old, second, &new, &bad), Err(ProofError::Root));
                let short: Vec<Hash> = proof.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, h)| *h).collect();
                assert!(verify_consistency(first, &old, second, &new, &short).is_err());
            }
            let mut long = proof.clone();
            long.push(new);
            assert!(verify_consistency(first, &old, second, &new, &long).is_err());
            assert_eq!(verify_consistency(second + 1, &new, second, &new, &proof), Err(ProofError::Range));
        }
    }
}

#[test]
fn a_frontier_survives_storage_and_wrong_shapes_are_refused() {
    let mut frontier = Frontier::new();
    let mut tree = Tree::default();
    for i in 0..300_u32 {
        assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).as_ref(), Ok(&frontier));
        assert_eq!(Frontier::from_source(&tree, u64::from(i)).as_ref(), Ok(&frontier));
        assert_eq!(frontier.root(), tree.root());
        frontier.append(leaf_hash(&i.to_be_bytes()));
        tree.append(leaf_hash(&i.to_be_bytes()));
    }
    let bytes = frontier.to_bytes();
    assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), Err(MerkleError::Frontier));
    assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 32]), Err(MerkleError::Frontier));
    assert_eq!(Frontier::from_bytes(b"short"), Err(MerkleError::Frontier));
}

#[test]
fn hashes_have_one_spelling() {
    let h = leaf_hash(b"");
    assert_eq!(Hash::from_hex(&h.to_string()), Some(h));
    assert_eq!(Hash::from_base64(&h.to_base64()), Some(h));
    assert_eq!(Hash::from_hex(&h.to_string().to_uppercase()), None);
    assert_eq!(Hash::from_base64(h.to_base64().trim_end_matches('=')), None);
}
