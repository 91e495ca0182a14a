CREATE TABLE `accounts` (
	`platform` text NOT NULL,
	`account` text NOT NULL,
	`instance` text NOT NULL,
	`health` text,
	`state` text,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`platform`, `account`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `chat_moves` (
	`platform` text NOT NULL,
	`account` text NOT NULL,
	`chat` text NOT NULL,
	`former_chat` text NOT NULL,
	`moved_at` integer NOT NULL,
	PRIMARY KEY(`platform`, `account`, `chat`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `chats` (
	`key` text PRIMARY KEY NOT NULL,
	`session_id` text,
	`model` text,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`position` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`platform` text NOT NULL,
	`account` text NOT NULL,
	`chat` text NOT NULL,
	`thread` text,
	`reply_to` text,
	`run_id` text,
	`text` text,
	`extra` text,
	`parts` text DEFAULT '[]' NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`due_at` integer NOT NULL,
	`error` text,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_id_unique` ON `deliveries` (`id`);--> statement-breakpoint
CREATE INDEX `deliveries_open` ON `deliveries` (`platform`,`account`) WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX `deliveries_by_run` ON `deliveries` (`run_id`) WHERE run_id is not null;--> statement-breakpoint
CREATE INDEX `deliveries_to_prune` ON `deliveries` (`finished_at`) WHERE finished_at is not null;--> statement-breakpoint
CREATE TABLE `pairing_failures` (
	`platform` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`locked_until` integer
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `pairings` (
	`position` integer PRIMARY KEY NOT NULL,
	`platform` text NOT NULL,
	`account` text NOT NULL,
	`user_id` text NOT NULL,
	`name` text NOT NULL,
	`chat` text NOT NULL,
	`extra` text,
	`code_salt` text,
	`code_digest` text,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`approved_at` integer,
	`approved_by` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `pairings_by_person` ON `pairings` (`platform`,`account`,`user_id`);--> statement-breakpoint
ALTER TABLE `inbox` ADD `note` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `joins_running` integer DEFAULT false NOT NULL;