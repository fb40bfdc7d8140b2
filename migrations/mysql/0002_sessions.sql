-- Sessions. Every statement may be run again; version 1 of the library, which
-- does not know this table, runs beside it.

-- The digests are SHA-256. Family, token, parent, sibling and nonce are worth nothing
-- without the token that the client holds. Of a user with any number of rows the
-- newest are listed, and the first to end are deleted, in the order of a key.
CREATE TABLE IF NOT EXISTS `auth_users_sessions` (
  `session_id` VARBINARY(64) NOT NULL,
  `user_id` VARBINARY(64) NOT NULL,
  `amr` VARBINARY(64) NOT NULL,
  `audience` VARBINARY(1024) NOT NULL,
  `epoch` BIGINT UNSIGNED NOT NULL,
  `family` BINARY(32) NOT NULL,
  `token` BINARY(32) NOT NULL,
  `parent` BINARY(32) NOT NULL,
  `sibling` BINARY(32) NOT NULL,
  `nonce` BINARY(32) NOT NULL,
  `repeats` INT UNSIGNED NOT NULL,
  `address` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `user_agent` VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `label` VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `version` BIGINT UNSIGNED NOT NULL DEFAULT 1,
  `created_at` DATETIME(6) NULL,
  `last_used_at` DATETIME(6) NULL,
  `rotated_at` DATETIME(6) NULL,
  `grace_until` DATETIME(6) NULL,
  `auth_time` DATETIME(6) NULL,
  `idle_until` DATETIME(6) NOT NULL,
  `expires_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`session_id`),
  KEY `user_id` (`user_id`, `expires_at`),
  KEY `user_newest` (`user_id`, `created_at`, `session_id`),
  KEY `expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO `auth_users_schema` (`version`, `applied_at`) VALUES (2, UTC_TIMESTAMP(6));
