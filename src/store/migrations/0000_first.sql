CREATE TABLE `inbox` (
	`source` text NOT NULL,
	`delivery_id` text NOT NULL,
	`fingerprint` text NOT NULL,
	`run_id` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`source`, `delivery_id`),
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE set null
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `inbox_by_age` ON `inbox` (`created_at`);--> statement-breakpoint
CREATE INDEX `inbox_by_run` ON `inbox` (`run_id`);--> statement-breakpoint
CREATE TABLE `memory` (
	`id` integer PRIMARY KEY NOT NULL,
	`principal` text NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`source` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `memory_by_key` ON `memory` (`principal`,`key`);--> statement-breakpoint
CREATE TABLE `messages` (
	`id` integer PRIMARY KEY NOT NULL,
	`session_key` text NOT NULL,
	`run_id` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`session_key`) REFERENCES `sessions`(`key`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `messages_by_session` ON `messages` (`session_key`);--> statement-breakpoint
CREATE INDEX `messages_by_run` ON `messages` (`run_id`);--> statement-breakpoint
CREATE TABLE `pulse` (
	`id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `run_events` (
	`run_id` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`run_id`, `seq`),
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `runs` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`session_key` text NOT NULL,
	`owner` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`request` text NOT NULL,
	`instance` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`cancel_requested` integer DEFAULT false NOT NULL,
	`response` text,
	`finish_reason` text,
	`model` text,
	`error` text,
	`usage` text,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	`events_pruned` integer DEFAULT false NOT NULL,
	FOREIGN KEY (`session_key`) REFERENCES `sessions`(`key`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `runs_id_unique` ON `runs` (`id`);--> statement-breakpoint
CREATE INDEX `runs_by_session` ON `runs` (`session_key`,`status`);--> statement-breakpoint
CREATE INDEX `runs_by_owner` ON `runs` (`owner`);--> statement-breakpoint
CREATE INDEX `runs_by_status` ON `runs` (`status`);--> statement-breakpoint
CREATE UNIQUE INDEX `runs_one_running` ON `runs` (`session_key`) WHERE status = 'running';--> statement-breakpoint
CREATE INDEX `runs_events_to_prune` ON `runs` (`finished_at`) WHERE finished_at is not null and events_pruned = 0;--> statement-breakpoint
CREATE TABLE `sessions` (
	`key` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`id` text NOT NULL,
	`title` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`message_count` integer DEFAULT 0 NOT NULL,
	`summary` text,
	`summary_through_id` integer
);
--> statement-breakpoint
CREATE INDEX `sessions_newest` ON `sessions` (`updated_at`,`key`);--> statement-breakpoint
CREATE INDEX `sessions_newest_of_owner` ON `sessions` (`owner`,`updated_at`,`key`);--> statement-breakpoint
CREATE TABLE `todos` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`principal` text NOT NULL,
	`title` text NOT NULL,
	`notes` text NOT NULL,
	`status` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `todos_id_unique` ON `todos` (`id`);--> statement-breakpoint
CREATE INDEX `todos_by_principal` ON `todos` (`principal`);--> statement-breakpoint
CREATE TABLE `tool_calls` (
	`position` integer PRIMARY KEY NOT NULL,
	`run_id` text NOT NULL,
	`call_id` text NOT NULL,
	`name` text NOT NULL,
	`arguments` text NOT NULL,
	`finished` integer DEFAULT false NOT NULL,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tool_calls_by_run` ON `tool_calls` (`run_id`,`call_id`);