-- Takes a file of this version back to version 1, for the tests of the way up.
DROP TABLE pin;
ALTER TABLE content DROP COLUMN hash;
ALTER TABLE meta DROP COLUMN used_inodes;
ALTER TABLE meta DROP COLUMN used_bytes;
ALTER TABLE meta DROP COLUMN quota_inodes;
ALTER TABLE meta DROP COLUMN quota_bytes;
ALTER TABLE meta DROP COLUMN durability;
PRAGMA user_version = 1;
