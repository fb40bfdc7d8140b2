-- For MySQL, MariaDB and what speaks their SQL.
-- Every statement ends with a semicolon at the end of a line and may be run again.

-- What is compared is VARBINARY: no collation decides who somebody is.
-- What people read is utf8mb4. Times are UTC; NULL = never.
CREATE TABLE IF NOT EXISTS `auth_users` (
  `id` VARBINARY(64) NOT NULL,
  `email_key` VARBINARY(320) NOT NULL,
  `email` VARCHAR(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `username` VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `password_hash` VARBINARY(1024) NOT NULL,
  `epoch` BIGINT UNSIGNED NOT NULL,
  `version` BIGINT UNSIGNED NOT NULL DEFAULT 1,
  `created_at` DATETIME(6) NULL,
  `updated_at` DATETIME(6) NULL,
  `disabled_at` DATETIME(6) NULL,
  `email_verified_at` DATETIME(6) NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `auth_users_email_key` (`email_key`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `auth_users_schema` (
  `version` INT UNSIGNED NOT NULL,
  `applied_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO `auth_users_schema` (`version`, `applied_at`) VALUES (1, UTC_TIMESTAMP(6));
