-- Counters of failed logins. Every statement may be run again; version 2 of the
-- library, which does not know this table, runs beside it.

-- The keys are digests. Times are microseconds since 1970, so that statements add and
-- compare them as numbers, whatever the time zone.
CREATE TABLE IF NOT EXISTS `auth_users_attempts` (
  `id` BINARY(32) NOT NULL,
  `count` INT UNSIGNED NOT NULL,
  `at` BIGINT NOT NULL,
  `expires_at` BIGINT NOT NULL,
  PRIMARY KEY (`id`),
  KEY `expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO `auth_users_schema` (`version`, `applied_at`) VALUES (3, UTC_TIMESTAMP(6));
