-- Takes a file of this version back to version 1, for the tests of the way up.
DROP INDEX chunk_hash;
CREATE UNIQUE INDEX chunk_hash ON chunk(hash) WHERE owner IS NULL;
DROP TABLE merged_node;
DROP TABLE merged;
DROP TABLE name;
DROP TABLE pin;
ALTER TABLE meta DROP COLUMN first_chunk;
ALTER TABLE meta DROP COLUMN first_content;
ALTER TABLE content DROP COLUMN hash;
ALTER TABLE revision DROP COLUMN used_inodes;
ALTER TABLE revision DROP COLUMN used_bytes;
ALTER TABLE meta DROP COLUMN used_inodes;
ALTER TABLE meta DROP COLUMN used_bytes;
ALTER TABLE meta DROP COLUMN quota_inodes;
ALTER TABLE meta DROP COLUMN quota_bytes;
ALTER TABLE meta DROP COLUMN durability;
PRAGMA user_version = 1;
